import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { openEventStream } from './event-stream.ts';
import type { Service } from './service.ts';
import type { FinishedRun } from './sync.ts';

/** A frame that a subscriber of a sync's progress receives. */
export type Frame = {
  accountId: string;
  runId: string;
  sequence: string;
  status: string;
  phase: (typeof PHASES)[number];
  attempt: number;
  percent: number | null;
  messagesProcessed: number;
  messagesTotal: number | null;
  bytesProcessed: string;
  nextAttemptAt: string | null;
  stats: FinishedRun['stats'];
  error: { code: string; message: string } | null;
};

export type Watcher = AsyncDisposable & {
  /** The frames so far, oldest first. */
  readonly frames: Frame[];
  /** Codes of errors that came in place of frames. */
  readonly errors: string[];
  /** The connection's close code over WebSocket, null over SSE. */
  readonly closed: Promise<number | null>;
  /** Stops reading, so that the server has to wait. */
  pause(): void;
  resume(): void;
};

const PHASES = ['QUEUED', 'CONNECTING', 'DISCOVERING', 'ENUMERATING', 'FETCHING', 'FINISHING', 'DONE'] as const;
const FINISHED = ['SUCCEEDED', 'FAILED', 'CANCELLED'];
const FRAME = `{ accountId runId sequence status phase attempt percent messagesProcessed messagesTotal bytesProcessed
  nextAttemptAt stats { mailboxesSynced messagesFetched messagesCreated messagesUpdated messagesDeleted eventsCreated bytesDownloaded
    durationMs }
  error { code message } }`;

export const progressOf = (accountId: string): string =>
  `subscription { frame: syncProgress(accountId: ${JSON.stringify(accountId)}) ${FRAME} }`;
export const ACTIVITY = `subscription { frame: syncActivity ${FRAME} }`;

/** The id of the operation that a watcher of a WebSocket watches. */
const WATCHED = 'watched';

type Answer = { data?: { frame: Frame } | null; errors?: { extensions: { code: string } }[] };

/**
 * Subscribes over a WebSocket; resolves when the server has acknowledged the connection. `ballast` is a second
 * subscription on the same connection: its frames are read and dropped, its errors are kept.
 */
export async function watchSocket(
  service: Service,
  query: string,
  apiKey = service.apiKey,
  ballast: readonly string[] = [],
): Promise<Watcher> {
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const [frames, errors]: [Frame[], string[]] = [[], []];
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => {
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${apiKey}` } }));
    });
    socket.on('message', (data: Buffer) => {
      const { id, type, payload } = JSON.parse(data.toString()) as { id?: string; type: string; payload?: unknown };
      if (type === 'connection_ack') resolve();
      if (type === 'next' && id === WATCHED) take(payload as Answer, frames, errors);
      if (type === 'error') take({ errors: payload as NonNullable<Answer['errors']> }, frames, errors);
    });
  });
  for (const [i, one] of [query, ...ballast].entries()) {
    socket.send(JSON.stringify({ id: i === 0 ? WATCHED : `ballast ${i}`, type: 'subscribe', payload: { query: one } }));
  }
  return {
    frames,
    errors,
    closed,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}

/** Subscribes over server-sent events. */
export async function watchEvents(service: Service, query: string, apiKey = service.apiKey): Promise<Watcher> {
  const stream = await openEventStream(service.url, query, { authorization: `Bearer ${apiKey}` });
  const taken = () => {
    const [frames, errors]: [Frame[], string[]] = [[], []];
    for (const { event, data } of stream.events) if (event === 'next') take(data as Answer, frames, errors);
    return { frames, errors };
  };
  return {
    get frames() {
      return taken().frames;
    },
    get errors() {
      return taken().errors;
    },
    closed: stream.ended.then(() => null),
    pause: () => stream.response.pause(),
    resume: () => stream.response.resume(),
    async [Symbol.asyncDispose]() {
      stream.close();
      await stream.ended;
    },
  };
}

function take({ data, errors: failures }: Answer, frames: Frame[], errors: string[]): void {
  if (data) frames.push(data.frame);
  for (const { extensions } of failures ?? []) errors.push(extensions.code);
}

/** The last frame of the run, once it has ended. */
export const lastFrame = ({ frames }: Watcher, runId: string): Frame | undefined =>
  frames.find((frame) => frame.runId === runId && FINISHED.includes(frame.status));

/** Checks the frames of one account at one subscriber, in order. */
export function expectSteady(frames: readonly Frame[]): void {
  for (const [i, now] of frames.entries()) {
    if (['ENUMERATING', 'FETCHING', 'FINISHING'].includes(now.phase) || now.status === 'SUCCEEDED') {
      expect(now.messagesTotal, 'the total is known from discovery on').not.toBeNull();
    }
    expect(now.percent === null).toBe(now.messagesTotal === null);
    expect(now.messagesProcessed).toBeLessThanOrEqual(now.messagesTotal ?? 0);
    const before = frames[i - 1];
    if (!before) continue;
    expect(BigInt(now.sequence), 'sequence').toBeGreaterThan(BigInt(before.sequence));
    if (now.runId === before.runId) expectNotBackwards(before, now);
  }
}

function expectNotBackwards(before: Frame, now: Frame): void {
  expect(FINISHED, 'nothing comes after the last frame of a run').not.toContain(before.status);
  for (const [name, value] of Object.entries(countsOf(now))) {
    expect(value, name).toBeGreaterThanOrEqual(countsOf(before)[name]!);
  }
  // A preempted run begins with the first phase again when it resumes, within one attempt.
  if (now.attempt === before.attempt && now.status !== 'QUEUED') {
    expect(PHASES.indexOf(now.phase), 'phase').toBeGreaterThanOrEqual(PHASES.indexOf(before.phase));
  }
}

function countsOf({ attempt, percent, messagesProcessed, bytesProcessed, stats }: Frame): Record<string, number> {
  const { bytesDownloaded, ...counts } = stats;
  return {
    attempt,
    percent: percent ?? 0,
    messagesProcessed,
    bytesProcessed: Number(bytesProcessed),
    bytesDownloaded: Number(bytesDownloaded),
    ...counts,
  };
}
