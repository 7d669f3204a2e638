import { createHash } from 'node:crypto';
import { type FetchedMessage, type ImapLogin, RawImap } from '../imap-client/raw-imap.ts';

export type MessageTruth = { flags: string[]; internalDate: Date | undefined; sha256: string };
export type MailboxTruth = { path: string; uidValidity: number; messages: Map<number, MessageTruth> };

/** How many messages are in memory at a time. */
const BATCH = 200;

/** Returns what the server really holds: every mailbox that can be opened, and every message in it, byte by byte. */
export async function truth(login: ImapLogin): Promise<MailboxTruth[]> {
  using client = await RawImap.login(login);
  const mailboxes: MailboxTruth[] = [];
  for (const { path, attributes } of await client.list()) {
    if (!attributes.some((attribute) => /^\\(?:noselect|nonexistent)$/i.test(attribute))) {
      mailboxes.push(await mailboxTruth(client, path));
    }
  }
  return mailboxes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function mailboxTruth(client: RawImap, path: string): Promise<MailboxTruth> {
  const { uidValidity } = await client.examine(path);
  const uids = await client.uids();
  const messages = new Map<number, MessageTruth>();
  for (let start = 0; start < uids.length; start += BATCH) {
    for (const message of await client.fetch(uids.slice(start, start + BATCH).join(','))) {
      messages.set(message.uid, messageTruth(message));
    }
  }
  return { path, uidValidity, messages };
}

/** \Recent belongs to the session, not to the message. */
function messageTruth({ flags, internalDate, bytes = Buffer.alloc(0) }: FetchedMessage): MessageTruth {
  return {
    flags: flags.filter((flag) => flag !== '\\Recent').toSorted(),
    internalDate,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
