import { formatPrismaCursor } from '@pothos/plugin-prisma';
import { getIntrospectionQuery, isObjectType } from 'graphql';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { newId } from '../../src/domain/ids.ts';
import { isCursorOf } from '../../src/graphql/cursors.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { encodePosition } from '../../src/graphql/message-cursor.ts';
import { schema } from '../../src/graphql/schema/index.ts';
import { type Answer, errorCodes as codes, type ServedApi, serveApi } from '../server/served-api.ts';
import { newAccount, storeMessage } from '../server/stored-mail.ts';

let api: ServedApi;
let id: string;
let accountId: string;

beforeAll(async () => {
  api = await serveApi();
  const { account, id: global } = await newAccount(api);
  accountId = global;
  const text = 'word '.repeat(200_000);
  const { messageId } = await storeMessage(api.database, { account, subject: 'Long', text, html: `<p>${text}</p>` });
  id = encodeId('Message', messageId);
});

afterAll(() => api?.close());

const ask = (query: string, variables?: object): Promise<Answer> => api.ask(api.alice, query, variables);
const aliased = (count: number, field: string): string =>
  Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');
const listsOf = (type: string, times: number): string =>
  `${type} { fields { name type { ${aliased(times, 'name')} } } }`;

describe('the cost of a request', () => {
  test('a long text under 90 aliases, is rejected before the answer is complete', async () => {
    const answer = await ask(`{ message(id: "${id}") { ${aliased(90, 'text')} } }`);
    expect([codes(answer), JSON.stringify(answer).length < 1000]).toEqual([['ANSWER_TOO_LARGE'], true]);
  });

  test('a long text once, with its HTML, is answered', async () => {
    const { data } = await ask(`{ message(id: "${id}") { text html } }`);
    expect([data.message.text.length, data.message.html.length > 1_000_000]).toEqual([1_000_000, true]);
  });

  test('a long text under 90 aliases over WebSocket, is rejected; the socket stays open', async () => {
    const client = createClient({
      url: `${api.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${api.alice.key}` },
      lazy: false,
      retryAttempts: 0,
    });
    const over = async (query: string): Promise<unknown> => {
      for await (const answer of client.iterate({ query })) return answer;
    };
    expect(
      await over(`{ message(id: "${id}") { ${aliased(90, 'text')} } }`).catch((errors) => ({ errors })),
    ).toMatchObject({
      errors: [{ extensions: { code: 'ANSWER_TOO_LARGE' } }],
    });
    expect(await over('{ viewer { __typename } }')).toMatchObject({ data: { viewer: { __typename: 'Viewer' } } });
    await client.dispose();
  });

  test('a long text under 90 aliases as an event stream, is rejected', async () => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${api.alice.key}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ query: `{ message(id: "${id}") { ${aliased(90, 'text')} } }` }),
    });
    const body = await response.text();
    expect([body.includes('"ANSWER_TOO_LARGE"'), body.length < 2000]).toEqual([true, true]);
  });

  test('a query over the time limit, ends over HTTP', async () => {
    const slow = await serveApi(
      () => ({
        textWork: () => ({ highlights: () => new Promise(() => {}), hasRemoteImages: () => new Promise(() => {}) }),
      }),
      { queryTimeLimitMs: 50 },
    );
    const { account } = await newAccount(slow);
    const { messageId } = await storeMessage(slow.database, { account, subject: 'Slow' });
    const query = `{ message(id: "${encodeId('Message', messageId)}") { highlights(search: "a") { subject { text } } } }`;
    expect(codes(await slow.ask(slow.alice, query))).toEqual(['REQUEST_TIME_LIMIT']);
    await slow.close();
  });

  test.each([
    ['text of many messages under aliases', `{ messages(first: 100) { edges { node { ${aliased(5, 'text')} } } } }`],
    [
      'highlights under aliases',
      `{ messages(first: 100) { edges { node { ${aliased(6, 'highlights(search: "a b") { subject { text } }')} } } } }`,
    ],
    ['more aliases than any client needs', `{ ${aliased(150, 'viewer { __typename }')} }`],
    ['many searches for a server', `{ ${aliased(21, 'suggestImapServer(emailAddress: "a@b.example") { host }')} }`],
    ['one field many times', `{ viewer { ${'tenant { id } '.repeat(300)} } }`],
    ['many directives', `{ viewer { ${'__typename @include(if: true) '.repeat(120)} } }`],
    ['variables of 100 kB', 'query($search: String) { messages(search: $search) { edges { cursor } } }'],
    ['the schema under aliases', `{ ${aliased(12, `__schema { ${listsOf('types', 6)} }`)} }`],
    [
      'one list of the schema under aliases',
      `{ __schema { ${aliased(40, 'types { fields { name type { name } } }')} } }`,
    ],
    [
      'fragments that double the schema',
      `{ ...A ...A2 } ${[1, 2].map((n) => `fragment A${n === 1 ? '' : n} on Query { ${aliased(20, '__schema { ...S }')} }`).join(' ')}
       fragment S on __Schema { types { fields { args { name } name } } }`,
    ],
  ])('%s, is rejected', async (_what, query) => {
    const variables = query.includes('$search') ? { search: 'x'.repeat(100_000) } : {};
    expect(codes(await ask(query, variables))).toEqual(['QUERY_TOO_COMPLEX']);
  });

  test('GraphiQL’s introspection, is answered', async () => {
    const options = { descriptions: true, inputValueDeprecation: true, specifiedByUrl: true, oneOf: true };
    expect((await ask(getIntrospectionQuery(options))).errors).toBeUndefined();
  });
});

describe('cursors', () => {
  const uuid = newId();
  const made = (value: unknown[] | string) =>
    Array.isArray(value)
      ? formatPrismaCursor(
          Object.fromEntries(value.entries()),
          value.map((_, i) => String(i)),
        )
      : formatPrismaCursor({ value }, 'value');
  const cursors = [
    made(uuid),
    made([uuid, 5n]),
    made([uuid, 1, 5n]),
    made([uuid, 'INBOX']),
    made([uuid, 2n ** 70n]),
    made([uuid, 2 ** 40, 5n]),
    made('x'),
    made([uuid]),
    Buffer.from(`999999999999999:${uuid}`).toString('base64url'),
    Buffer.from(`-999999999999999:${uuid}`).toString('base64url'),
    Buffer.from(`1:${uuid}`).toString('base64url'),
    Buffer.from('GPC:J:[1,{"a":2}]').toString('base64'),
    '',
    '\0',
    'null',
  ];
  const lists: [string, (page: string) => string][] = [
    ['emailAccounts', (page) => `{ emailAccounts(${page}) { edges { cursor } } }`],
    ['messages', (page) => `{ messages(${page}) { edges { cursor } } }`],
    ['syncRuns', (page) => `{ syncRuns(${page}) { edges { cursor node { mailboxes { edges { cursor } } } } } }`],
    ['events', (page) => `{ events(accountId: "${accountId}", ${page}) { edges { cursor } } }`],
    ['mailboxes', (page) => `{ emailAccount(id: "${accountId}") { mailboxes(${page}) { edges { cursor } } } }`],
    [
      'locations',
      (page) =>
        `{ emailAccount(id: "${accountId}") { mailboxes { edges { node { locations(${page}) { edges { cursor } } } } } } }`,
    ],
    ['thread', (page) => `{ message(id: "${id}") { thread { messages(${page}) { edges { cursor } } } } }`],
  ];

  test.each(lists)('%s, foreign and invented cursors, are bad input or outside the list', async (_, query) => {
    const before = api.log.length;
    for (const cursor of cursors) {
      const given = JSON.stringify(cursor);
      const found = new Set(codes(await ask(query(`after: ${given}`))) ?? []);
      expect([cursor, [...found].filter((code) => code !== 'BAD_USER_INPUT')]).toEqual([cursor, []]);
    }
    expect(api.log.slice(before).filter((line) => line.includes('request failed'))).toEqual([]);
  });

  test('every list that takes a cursor accepts its own', () => {
    const lists = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type)
        ? Object.values(type.getFields()).flatMap((field) =>
            field.args.some(({ name }) => name === 'after') ? [[type.name, field.name] as const] : [],
          )
        : [],
    );
    const own = [...cursors, encodePosition({ receivedAt: new Date('9999-12-31T23:59:59.999Z'), id: uuid })];
    expect(lists.length).toBeGreaterThan(5);
    for (const [type, field] of lists) {
      expect([type, field, own.some((cursor) => isCursorOf(type, field, cursor))]).toEqual([type, field, true]);
    }
    expect(isCursorOf('Query', 'messages', own.at(-1)!)).toBe(true);
  });

  test('a cursor of another list in a variable is bad input at its field', async () => {
    const query = 'query($after: String) { runs: syncRuns(after: $after) { edges { cursor } } }';
    const { errors } = await ask(query, { after: made([uuid, 5n]) });
    expect(errors).toMatchObject([{ path: ['runs'], extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

test('numbers, dates and texts that no column can hold are bad input', async () => {
  const before = api.log.length;
  const queries = [
    `{ events(accountId: "${accountId}", from: "-200000-01-01T00:00:00.000Z") { edges { cursor } } }`,
    `{ events(accountId: "${accountId}", until: "+275000-01-01T00:00:00.000Z") { edges { cursor } } }`,
    `{ explainMessage(accountId: "${accountId}", mailboxId: "x", uid: "9999999999999999999") { messageId } }`,
    `{ explainMessage(accountId: "${accountId}", messageIdHeader: "a\\u0000b") { messageId } }`,
    `{ messages(search: "\\u0000") { edges { cursor } } }`,
    `{ message(id: "\\u0000") { id } }`,
  ];
  for (const query of queries) expect([query, codes(await ask(query))]).toEqual([query, ['BAD_USER_INPUT']]);
  const search = 'query($search: String) { messages(search: $search) { edges { cursor } } }';
  for (const text of ['a\0b', '\ud83d']) expect(codes(await ask(search, { search: text }))).toEqual(['BAD_USER_INPUT']);
  expect(api.log.slice(before).filter((line) => line.includes('request failed'))).toEqual([]);
});

test('a page size above the limit is rejected at the path of its list', async () => {
  const { errors } = await ask(
    '{ emailAccounts { edges { node { boxes: mailboxes(first: 500) { edges { cursor } } } } } }',
  );
  expect(errors).toMatchObject([{ path: ['emailAccounts', 'edges', 'node', 'boxes'] }]);
});
