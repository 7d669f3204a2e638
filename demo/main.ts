import { setInterval as every, setTimeout as pause } from 'node:timers/promises';
import { type ProgressFragment, StartEmailSyncDocument, SyncProgressDocument } from '../src/generated/gql/graphql.ts';
import type { Api } from './api.ts';
import { Children } from './children.ts';
import { createLineWriter, number, progressLine } from './progress-line.ts';
import { setUpStage, signInLink } from './stage.ts';

/**
 * `npm run demo`: syncs a sample mailbox into a fresh database, and shows the progress from the subscription that any
 * program can use. After that, new mail arrives until Ctrl-C ends everything.
 */
const NEW_MAIL_EVERY_MS = 20_000;
/** When a child ends, its connections break first; the end of the child is the better explanation. */
const HEAR_OF_CHILDREN_MS = 500;

const screen = createLineWriter(process.stdout);
const children = new Children();
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve());
});

try {
  const failed = (error: unknown) => pause(HEAR_OF_CHILDREN_MS).then(() => Promise.reject(error));
  await Promise.race([demo().catch(failed), interrupted, children.failure]);
  screen.print('Stopping.');
} catch (error) {
  screen.print(`The demo failed: ${(error as Error).message}`);
  process.exitCode = 1;
}
await children.stop();
process.exit();

async function demo(): Promise<never> {
  screen.print('Starting a sample IMAP server and the service, on this machine only and in a temporary directory ...');
  const { api, accountId, messages, deliver } = await setUpStage(children);
  screen.print(`Connected a mailbox of ${number(messages)} messages. Syncing it, also to be watched in the page:
  ${signInLink(api)}\n`);

  const frames = api.subscribe(SyncProgressDocument, { accountId })[Symbol.asyncIterator]();
  const startSync = () => api.ask(StartEmailSyncDocument, { accountId });
  await startSync();
  const first = await watchRun(frames, (frame) => screen.redraw((columns) => progressLine(frame, columns)));
  screen.print(`\n${summary(first)}\n\n${links(api)}\n`);

  for await (const _ of every(NEW_MAIL_EVERY_MS)) {
    deliver();
    await startSync();
    const { stats } = await watchRun(frames, () => {});
    const time = new Date().toLocaleTimeString('en-GB');
    screen.redraw(() => `${time}  ${stats.messagesCreated} new, in the database after ${number(stats.durationMs)} ms`);
  }
  throw new Error('unreachable: an interval has no end');
}

/** Shows the frames of a run until it has ended, and returns the last one. */
async function watchRun(
  frames: AsyncIterator<{ syncProgress: ProgressFragment }>,
  show: (frame: ProgressFragment) => void,
): Promise<ProgressFragment> {
  for (;;) {
    const next = await frames.next();
    if (next.done) throw new Error('the subscription ended');
    const frame = next.value.syncProgress;
    show(frame);
    if (frame.status === 'SUCCEEDED') return frame;
    if (frame.status === 'FAILED' || frame.status === 'CANCELLED') {
      throw new Error(`the sync ended as ${frame.status}: ${frame.error?.message ?? 'without an error'}`);
    }
  }
}

function summary({ stats }: ProgressFragment): string {
  const seconds = stats.durationMs / 1000;
  const megabytes = (Number(stats.bytesDownloaded) / 1e6).toFixed(1);
  return [
    `${number(stats.messagesCreated)} messages (${megabytes} MB) from ${stats.mailboxesSynced} mailboxes`,
    `in ${seconds.toFixed(1)} s (${number(stats.messagesFetched / seconds)} messages/s),`,
    `${number(stats.eventsCreated)} events in the timeline.`,
  ].join(' ');
}

function links(api: Api): string {
  return `  Page      ${signInLink(api)}
  GraphiQL  ${signInLink(api, '/graphql')}

  curl -s ${api.url}/graphql \\
    -H 'Authorization: Bearer ${api.key}' \\
    -H 'Content-Type: application/json' \\
    -d '{"query":"{ messages(search: \\"linux kernel\\", first: 3) { edges { node { subject receivedAt } } } }"}'

A new message arrives every ${NEW_MAIL_EVERY_MS / 1000} s. Ctrl-C ends the demo and leaves nothing behind.`;
}
