import type { FlagChange } from '../domain/imap-types.ts';
import { packUids } from '../domain/uid-set.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { type MailboxRef, presentUids } from '../store/mail/locations.ts';
import { storeFlags } from './changed-flags.ts';
import type { SyncContext } from './context.ts';

/** UIDs in one command, so that the memory for rows does not depend on the size of the mailbox. */
const UIDS_PER_COMMAND = 5000;

export interface FlagComparison {
  /** The server returned the flags of every message that is present. */
  readonly proven: boolean;
  /** Number of messages with different flags that did not change after `since`. */
  readonly faults: number;
}

/**
 * Compares the stored flags of all messages up to `highest` with the server's, and stores the server's. The UIDs in
 * `gone` are known to be deleted. A change after `since`, the HIGHESTMODSEQ of this pass, is new and not a fault.
 */
export async function compareFlags(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  { highest, gone, since }: { highest: number; gone: readonly number[]; since: bigint | null },
): Promise<FlagComparison> {
  const isGone = new Set(gone);
  let [proven, faults] = [true, 0];
  // By stored UIDs, not by number, because a server may list the UID 4294967295.
  const present = (await presentUids(context.pool, ref, 1, highest)).filter((uid) => !isGone.has(uid));
  for (let from = 0; from < present.length; from += UIDS_PER_COMMAND) {
    const ours = present.slice(from, from + UIDS_PER_COMMAND);
    const { flags, silent } = await askTwice(connection, `${ours[0]}:${ours.at(-1)}`, ours);
    if (silent.length > 0) proven = false;
    const isNews = ({ modseq }: FlagChange): boolean => since !== null && modseq !== null && modseq > since;
    await storeFlags(context, ref, flags.filter(isNews), 'present');
    const old = flags.filter((change) => !isNews(change));
    faults += await storeFlags(context, ref, old, 'present');
  }
  return { proven, faults };
}

/** Fetches flags, and fetches again those missing from the answer: their absence proves nothing. */
async function askTwice(
  connection: ImapConnection,
  set: string,
  uids: readonly number[],
): Promise<{ flags: FlagChange[]; silent: number[] }> {
  const flags = await connection.fetchFlags(set);
  const silentIn = (answer: readonly FlagChange[], asked: readonly number[]): number[] => {
    const answered = new Set(answer.map(({ uid }) => uid));
    return asked.filter((uid) => !answered.has(uid));
  };
  const silent = silentIn(flags, uids);
  const later: FlagChange[] = [];
  for (const rest of packUids(silent)) later.push(...(await connection.fetchFlags(rest)));
  return { flags: [...flags, ...later], silent: silentIn(later, silent) };
}
