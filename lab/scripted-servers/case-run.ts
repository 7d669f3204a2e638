import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { receiptOf } from '../assertions/receipt.ts';
import { withDatabase } from '../assertions/stored-truth.ts';
import type { Service } from '../service/service.ts';
import { connectAccount, type FinishedRun, finishedRun, startSync } from '../service/sync.ts';
import { parseCaseScript } from './case-script.ts';
import { startCaseServer } from './case-server.ts';

/** The expected result for a scripted server. The README of test/sync/odd-servers explains each field. */
export type Expected = {
  runs?: number;
  mode?: 'INCREMENTAL' | 'FULL';
  status?: string;
  stored?: string[];
  inMailbox?: Record<string, string[]>;
  mailboxes?: string[];
  receiptComplete?: boolean;
  gapIn?: string[];
  allStoredOrNotComplete?: string[];
  unreadAnswers?: number;
  messages?: Record<string, { internalDate?: string | null; flags?: string[]; size?: number | 'any' }>;
  user?: string;
  testOk?: boolean;
  notSent?: string[];
};

export type Case = { name: string; title: string; script: string; expected: Expected };

/** Reads each `name.txt` of a directory with its `name.json`. The first line of a script is the title of its test. */
export function casesIn(folder: string): Case[] {
  const scripts = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  return scripts.map((file) => {
    const script = readFileSync(join(folder, file), 'utf8');
    const expected = JSON.parse(readFileSync(join(folder, file.replace('.txt', '.json')), 'utf8')) as Expected;
    return { name: file.replace('.txt', ''), title: script.split('\n')[0]!.replace(/^# /, ''), script, expected };
  });
}

type At = { service: Service; databaseUrl: string };

/** Syncs a new account with a scripted server, as often as `expected` states, and compares the result. */
export async function playCase({ service, databaseUrl }: At, { name, script, expected }: Case): Promise<void> {
  await using server = await startCaseServer(parseCaseScript(script));
  const { host, port, received } = server;
  const login = { host, port, password: 'secret' };
  if (expected.testOk !== undefined) {
    expect(await testConnection(service, login, expected.user ?? 'ann')).toMatchObject({ ok: expected.testOk });
  }
  if (expected.status === undefined) return;
  const emailAddress = `${name}@example.com`;
  const accountId = await connectAccount(service, login, expected.user ?? 'ann', { emailAddress });
  let run: FinishedRun | null = null;
  for (let count = 1; count <= (expected.runs ?? 1); count += 1) {
    run = await finishedRun(service, await startSync(service, accountId, expected.mode));
    server.afterRun(count);
  }
  expect(run, service.log().slice(-3000)).toMatchObject({ status: expected.status });

  const stored = await storedMessages(databaseUrl, emailAddress);
  const subjects = stored.map(({ subject }) => subject);
  expect(subjects).toEqual(expect.arrayContaining(expected.stored ?? []));
  for (const [path, of] of Object.entries(expected.inMailbox ?? {})) {
    expect(subjects.filter((_, index) => stored[index]!.path === path).toSorted(), path).toEqual(of.toSorted());
  }
  expect(await pathsOf(service, accountId)).toEqual(expect.arrayContaining(expected.mailboxes ?? []));
  for (const [subject, facts] of Object.entries(expected.messages ?? {})) {
    expectFacts(
      stored.find((message) => message.subject === subject),
      facts,
    );
  }
  for (const command of expected.notSent ?? []) expect(received.filter((line) => line.includes(command))).toEqual([]);

  const receipt = await receiptOf(service, run!.id);
  if (expected.receiptComplete !== undefined) expect(receipt).toMatchObject({ complete: expected.receiptComplete });
  const { unreadAnswers } = expected;
  if (unreadAnswers !== undefined) expect(receipt).toMatchObject({ unreadAnswers });
  const complete = receipt?.mailboxes.filter((mailbox) => mailbox.complete).map(({ mailbox }) => mailbox) ?? [];
  for (const path of expected.gapIn ?? []) expect(complete).not.toContain(path);
  const all = expected.allStoredOrNotComplete;
  if (all && receipt?.complete) expect(subjects).toEqual(expect.arrayContaining(all));
}

type StoredMessage = { path: string; subject: string; internalDate: Date | null; flags: string[]; size: number };

function storedMessages(databaseUrl: string, emailAddress: string): Promise<StoredMessage[]> {
  return withDatabase({ databaseUrl }, async (client) => {
    const { rows } = await client.query<StoredMessage>(
      `SELECT b.path, m.subject, l.internal_date AS "internalDate", l.flags, l.size
       FROM email_account a JOIN mailbox b ON b.account_id = a.id AND b.deleted_at IS NULL
       JOIN message_location l ON l.mailbox_id = b.id AND l.deleted_at IS NULL AND l.state = 'STORED'
       JOIN message m ON m.id = l.message_id
       WHERE a.email_address = $1`,
      [emailAddress],
    );
    return rows;
  });
}

function expectFacts(
  message: StoredMessage | undefined,
  { internalDate, flags, size }: NonNullable<Expected['messages']>[string],
): void {
  expect(message).toBeDefined();
  if (internalDate === null) expect(message!.internalDate).toBeNull();
  else if (internalDate !== undefined) expect(message!.internalDate?.toISOString()).toContain(internalDate);
  if (flags !== undefined) expect(message!.flags.toSorted()).toEqual(flags.toSorted());
  if (size === 'any') expect(message!.size).toBeGreaterThan(0);
  else if (size !== undefined) expect(message!.size).toBe(size);
}

async function pathsOf(service: Service, accountId: string): Promise<string[]> {
  type Answer = { emailAccount: { mailboxes: { edges: { node: { path: string } }[] } } };
  const { emailAccount } = await service.data<Answer>(
    'query ($id: ID!) { emailAccount(id: $id) { mailboxes(first: 100) { edges { node { path } } } } }',
    { id: accountId },
  );
  return emailAccount.mailboxes.edges.map(({ node }) => node.path);
}

async function testConnection(
  service: Service,
  { host, port, password }: { host: string; port: number; password: string },
  username: string,
): Promise<{ ok: boolean; code: string | null }> {
  const { testEmailConnection } = await service.data<{ testEmailConnection: { ok: boolean; code: string | null } }>(
    'mutation ($input: EmailConnectionInput!) { testEmailConnection(input: $input) { ok code } }',
    {
      input: {
        emailAddress: 'ann@example.com',
        imap: { host, port, security: 'NONE', username },
        credentials: { password },
      },
    },
  );
  return testEmailConnection;
}
