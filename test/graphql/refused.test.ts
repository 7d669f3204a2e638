import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeId } from '../../src/graphql/ids.ts';
import { errorCodes as codes, type ServedApi, serveApi } from '../server/served-api.ts';
import { storeAccount, storeEvents } from '../server/stored-mail.ts';

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi();
  // The first request looks up the key; later ones do not.
  await api.ask(api.alice, '{ viewer { __typename } }');
});

afterAll(() => api?.close());

describe('limits', () => {
  const nested = (depth: number): string =>
    depth === 0 ? 'id' : `thread { messages(first: 1) { edges { node { ${nested(depth - 1)} } } } }`;

  test.each([
    ['too deep', `{ messages(first: 1) { edges { node { ${nested(3)} } } } }`],
    [
      'too wide',
      '{ emailAccounts(first: 100) { edges { node { mailboxes(first: 100) { edges { node { locations(first: 100) { edges { cursor } } } } } } } } }',
    ],
    ['too long', `{ ${'viewer { __typename } '.repeat(600)} }`],
  ])('a query that is %s, is rejected before any row is read', async (_what, query) => {
    const statements = await api.statements(async () => {
      expect(codes(await api.ask(api.alice, query))).toEqual(['QUERY_TOO_COMPLEX']);
    });
    expect(statements).toBe(0);
  });

  test('the cost counts the variables of the operation that runs', async () => {
    const query = `query Small { viewer { __typename } }
      query Large($n: Int) { emailAccounts(first: $n) { edges { node { mailboxes(first: $n) { edges { node { locations(first: $n) { edges { cursor } } } } } } } } }`;
    const run = (operationName: string, n: number) =>
      fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${api.alice.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName, variables: { n } }),
      }).then((response) => response.json());
    expect(codes(await run('Large', 100))).toEqual(['QUERY_TOO_COMPLEX']);
    expect(codes(await run('Large', 2))).toBeUndefined();
    expect(codes(await run('Small', 100))).toBeUndefined();
  });

  test.each([
    ['messages(first: 101)', '"first" must be at most 100. Use a cursor to request more.'],
    ['messages(first: -1)', '"first" cannot be negative.'],
    ['syncRuns(first: 1000000)', '"first" must be at most 100. Use a cursor to request more.'],
    ['syncRuns(last: 101)', '"last" must be at most 100. Use a cursor to request more.'],
    ['syncRuns(last: -1)', '"last" cannot be negative.'],
    ['syncRuns(first: 1, last: 1)', '"first" and "last" cannot be used together.'],
    [
      'emailAccounts { edges { node { mailboxes(first: 101)',
      '"first" must be at most 100. Use a cursor to request more.',
    ],
  ])('%s, is rejected with the limit', async (list, sentence) => {
    const query = `{ ${list} { edges { cursor } } ${list.includes('node') ? '} } } ' : ''}}`;
    const statements = await api.statements(async () => {
      const { errors } = await api.ask(api.alice, query);
      expect(errors).toMatchObject([{ message: sentence, extensions: { code: 'BAD_USER_INPUT' } }]);
    });
    expect(statements).toBe(0);
  });

  test('a page size of 100 is allowed, also for an empty list', async () => {
    for (const page of ['first: 100', 'last: 100', 'first: 0']) {
      expect(codes(await api.ask(api.alice, `{ syncRuns(${page}) { edges { cursor } } }`))).toBeUndefined();
    }
    expect(codes(await api.ask(api.alice, '{ messages(first: 0) { edges { cursor } } }'))).toBeUndefined();
  });

  test("GraphiQL's introspection query works", async () => {
    const { getIntrospectionQuery } = await import('graphql');
    const { data } = await api.ask(api.alice, getIntrospectionQuery());
    expect(data.__schema.queryType.name).toBe('Query');
  });

  test('a body of more than a mebibyte is rejected', async () => {
    const answer = await api.ask(api.alice, `{ viewer { __typename } } #${'x'.repeat(1024 * 1024)}`);
    expect(codes(answer)).toEqual(['QUERY_TOO_COMPLEX']);
  });
});

describe('errors', () => {
  test.each([
    ['a syntax error', '{ viewer'],
    ['an unknown field', '{ nonsense }'],
    ['a missing argument', '{ message { id } }'],
    ['a mutation of nothing', ''],
  ])('%s is BAD_USER_INPUT', async (_what, query) => {
    expect(new Set(codes(await api.ask(api.alice, query)))).toEqual(new Set(['BAD_USER_INPUT']));
  });

  test.each([
    ['in the query', 'mutation { testEmailConnection(input: { password: "hunter2", nonsense: 1 }) { ok } }', {}],
    ['a number for a text', 'query { messages(search: 7007007) { edges { cursor } } }', {}],
    [
      'in a variable',
      'mutation($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }',
      { input: { password: 'hunter2', secret: 7007007 } },
    ],
    [
      'a number in a variable',
      'query($search: String) { messages(search: $search) { edges { cursor } } }',
      { search: 7007007 },
    ],
    ['a string in place of a name', '{ viewer(a: "x") { "hunter2" } }', {}],
    ['behind an unterminated string', '{ viewer "hunter2 }', {}],
    ['a name in a wrong place', 'hunter2 { viewer }', {}],
    ['an invalid number', '{ viewer(a: 7007007x) }', {}],
  ])('an error does not repeat the input: %s', async (_what, query, variables) => {
    const answer = await api.ask(api.alice, query, variables);
    expect(new Set(codes(answer))).toEqual(new Set(['BAD_USER_INPUT']));
    expect(answer.errors!.map(({ message }) => message).join(' ')).not.toMatch(/hunter2|7007007/);
  });

  test('a fault of the service is logged once with its cause, and masked', async () => {
    // Simulates that a type was removed from the code, which must never happen.
    const { accountId } = await storeAccount(api.database, api.alice.id, 'alice@example.com');
    await storeEvents(api.database, accountId, 1);
    await api.database.prisma.event.updateMany({ where: { accountId }, data: { type: 'unknown_type' } });
    const before = api.log.length;
    const query = 'query($id: ID!) { events(accountId: $id) { edges { node { type } } } }';
    const answer = await api.ask(api.alice, query, { id: encodeId('EmailAccount', accountId) });
    expect(answer.data).toBeFalsy();
    const faults = api.log.slice(before).filter((line) => line.includes('request failed'));
    expect([codes(answer), faults.length]).toEqual([['INTERNAL'], 1]);
  });
});
