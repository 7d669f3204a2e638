import { expect, test } from 'vitest';
import type { SyncProgress } from '../../../src/domain/progress.ts';
import { readFrame, writeFrame } from '../../../src/live/frame-text.ts';

const frame: SyncProgress = {
  tenantId: 'tenant',
  accountId: 'account',
  runId: 'run',
  sequence: 2n ** 60n,
  at: new Date('2026-11-30T12:00:00.123Z'),
  status: 'WAITING_RETRY',
  phase: 'QUEUED',
  attempt: 2,
  mailbox: 'INBOX',
  messagesProcessed: 10,
  messagesTotal: 40,
  bytesProcessed: 2n ** 40n,
  percent: 25,
  messagesPerSecond: null,
  etaSeconds: null,
  nextAttemptAt: new Date('2026-11-30T12:05:00Z'),
  stats: {
    mailboxesSynced: 1,
    messagesFetched: 10,
    messagesCreated: 9,
    messagesUpdated: 8,
    messagesDeleted: 7,
    eventsCreated: 24,
    bytesDownloaded: 2n ** 40n,
    durationMs: 1500,
  },
  error: { code: 'IMAP_TIMEOUT', message: 'The mail server did not answer in time.' },
};

test('readFrame returns what writeFrame was given', () => {
  expect(readFrame(writeFrame('node', frame))).toEqual({ from: 'node', frame });
  const first = { ...frame, mailbox: null, messagesTotal: null, percent: null, nextAttemptAt: null, error: null };
  expect(readFrame(writeFrame('node', first)).frame).toEqual(first);
});

test('readFrame, counters missing in the frame of an older node, reads them as 0', () => {
  const { eventsCreated: _, bytesDownloaded: __, ...stats } = frame.stats;
  const written = writeFrame('node', { ...frame, stats: stats as SyncProgress['stats'] });
  expect(readFrame(written).frame).toEqual({ ...frame, stats: { ...stats, eventsCreated: 0, bytesDownloaded: 0n } });
});

test('readFrame, fields that only a newer node knows, leaves them out', () => {
  const newer = {
    ...frame,
    colour: 'red',
    stats: { ...frame.stats, messagesPainted: 3 },
    error: { ...frame.error!, hint: 'Wait.' },
  };
  expect(readFrame(writeFrame('node', newer)).frame).toEqual(frame);
});
