import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { type OtlpReceiver, type Span, startOtlpReceiver } from '../../lab/servers/otlp-receiver.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
const SIZE = 300;
/** Each span has its own clock. */
const CLOCK_NS = 20_000_000n;

/** Reports on standard error which files of OpenTelemetry's SDK a process loads. */
const TELL_LOADED = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) {
    if (/@opentelemetry.(?!api)/.test(url)) process._rawDebug('LOADED ' + url);
    return next(url, context);
  } });`)}`;

const named = (spans: readonly Span[], name: string) => spans.filter((span) => span.name === name);
const ended = ({ spans }: OtlpReceiver, name: string) =>
  waitFor(() => named(spans, name)[0], { what: `the span ${name}`, timeoutMs: 20_000 });

test('a trace covers call, run, mailboxes and batches, across two processes', async () => {
  await using receiver = await startOtlpReceiver();
  const databaseUrl = await postgres.createDatabase();
  const node = (role: string) =>
    startService({
      databaseUrl,
      environment: { API_KEY, ROLES: role, OTEL_SERVICE_NAME: role, ...receiver.environment },
    });
  await using api = await node('api');
  await using _worker = await node('worker');
  dovecot.addUser('traced', { INBOX: mails(0, SIZE), Secretive: mails(SIZE, SIZE + 5) });
  const account = await connectAccount(api, dovecot, 'traced');
  await finishedRun(api, await startSync(api, account));
  await ended(receiver, 'sync run');

  const call = await ended(receiver, 'GraphQL mutation startEmailSync');
  const trace = receiver.spans.filter(({ traceId }) => traceId === call.traceId);
  const below = (parent: Span, name: string) =>
    named(trace, name).filter(({ parentSpanId }) => parentSpanId === parent.spanId);
  expect([call.service, call.parentSpanId]).toEqual(['api', undefined]);

  const runs = below(call, 'sync run');
  expect(runs.length).toBe(1);
  const [run] = runs;
  expect(run).toMatchObject({ service: 'worker', attributes: { 'mailtide.run.attempt': '1' } });
  for (const step of ['connect', 'discover', 'finish', 'prove'])
    expect(below(run!, `sync ${step}`).length, step).toBe(1);

  const rows = await withDatabase({ databaseUrl }, async (client) => {
    const mailboxes = await client.query<{ id: string }>('SELECT id FROM mailbox ORDER BY id');
    const ids = await client.query<{ run: string; account: string }>(
      'SELECT id AS run, account_id AS account FROM sync_run',
    );
    return { mailboxes: mailboxes.rows.map(({ id }) => id), ...ids.rows[0]! };
  });
  expect(run!.attributes).toMatchObject({ 'mailtide.run.id': rows.run, 'mailtide.account.id': rows.account });
  const fetches = below(run!, 'sync fetch');
  for (const spans of [fetches, below(run!, 'sync enumerate')]) {
    expect(new Set(spans.map(({ attributes }) => attributes['mailtide.mailbox.id']))).toEqual(new Set(rows.mailboxes));
    expect(spans.length).toBe(2);
  }
  for (const batch of ['sync parse', 'sync store']) {
    const batches = fetches.flatMap((fetch) => below(fetch, batch));
    expect(batches.length, batch).toBe(named(trace, batch).length);
    expect(batches.length, batch).toBeGreaterThan(2);
    expect(batches.reduce((sum, { attributes }) => sum + Number(attributes['mailtide.messages']), 0)).toBe(SIZE + 5);
  }
  // Each span lies within its parent, except the run, which the call does not wait for.
  const byId = new Map(trace.map((span) => [span.spanId, span]));
  for (const span of trace) {
    const parent = byId.get(span.parentSpanId ?? '');
    if (!parent || parent === call) continue;
    const isWithin = span.start >= parent.start - CLOCK_NS && span.end <= parent.end + CLOCK_NS;
    expect(isWithin, `${span.name} in ${parent.name}`).toBe(true);
  }
  const text = JSON.stringify(receiver.spans, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
  for (const secret of ['traced', 'example.com', 'Secretive', 'INBOX', dovecot.password, dovecot.host, API_KEY]) {
    expect(text, secret).not.toContain(`"${secret}`);
    expect(text, secret).not.toContain(`${secret}"`);
  }
});

test("a caller's trace continues; a failure has its code, a retry is in the trace", async () => {
  await using receiver = await startOtlpReceiver();
  await using service = await startService({
    databaseUrl: await postgres.createDatabase(),
    environment: { ...receiver.environment, SYNC_MAX_RETRIES: '1', SYNC_RETRY_BASE_SECONDS: '1' },
  });
  const gone = { ...dovecot, port: 1 };
  const accountId = await connectAccount(service, gone, 'nobody', { verify: false });
  const traceId = 'a'.repeat(32);
  const answer = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${service.apiKey}`,
      traceparent: `00-${traceId}-${'b'.repeat(16)}-01`,
    },
    body: JSON.stringify({ query: `mutation Anything { startEmailSync(accountId: "${accountId}") { run { id } } }` }),
  });
  const { data } = (await answer.json()) as { data: { startEmailSync: { run: { id: string } } } };
  const run = await finishedRun(service, data.startEmailSync.run.id);
  expect(run).toMatchObject({ status: 'FAILED', attempt: 2 });
  await waitFor(() => named(receiver.spans, 'sync run').length === 2, { what: 'both attempts' });

  const call = await ended(receiver, 'GraphQL mutation startEmailSync');
  expect(call).toMatchObject({ traceId, parentSpanId: 'b'.repeat(16) });
  const attempts = named(receiver.spans, 'sync run');
  for (const [i, attempt] of attempts.entries()) {
    expect(attempt).toMatchObject({ traceId, parentSpanId: call.spanId });
    expect(attempt.attributes).toMatchObject({
      'error.type': run.error!.code,
      'mailtide.run.attempt': String(i + 1),
    });
  }
});

test.each([
  ['nothing is set', {}],
  ['it is disabled', { OTEL_SDK_DISABLED: 'true' }],
  ['no exporter is configured', { OTEL_TRACES_EXPORTER: 'none' }],
])('no trace is recorded and no SDK loaded when %s', async (what, settings) => {
  await using receiver = await startOtlpReceiver();
  const receives = what === 'nothing is set' ? {} : receiver.environment;
  await using service = await startService({
    databaseUrl: await postgres.createDatabase(),
    environment: { NODE_OPTIONS: TELL_LOADED, ...receives, ...settings },
  });
  dovecot.addUser(`untraced-${Object.keys(settings).join()}`, { INBOX: mails(0, 3) });
  await sync(service, await connectAccount(service, dovecot, `untraced-${Object.keys(settings).join()}`));
  expect(await service.stop()).toBe(0);
  expect(service.log()).not.toContain('LOADED');
  expect(receiver.spans).toEqual([]);
});

test('a collector that does not answer delays nothing', async () => {
  await using service = await startService({
    databaseUrl: await postgres.createDatabase(),
    environment: { NODE_OPTIONS: TELL_LOADED, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  });
  dovecot.addUser('uncollected', { INBOX: mails(0, 3) });
  await sync(service, await connectAccount(service, dovecot, 'uncollected'));
  expect(await service.stop()).toBe(0);
  // As the test above would detect it.
  expect(service.log()).toContain('LOADED');
});
