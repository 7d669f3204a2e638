import type { FlagChange } from '../domain/imap-types.ts';
import { packUids } from '../domain/uid-set.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { type MailboxRef, presentUids } from '../store/mail/locations.ts';
import { storeFlags } from './changed-flags.ts';
import type { SyncContext } from './context.ts';

/** UIDs asked for at a time: the rows in memory do not depend on the mailbox. */
const UIDS_PER_COMMAND = 5000;

export interface FlagComparison {
  /** The server told the flags of every message that is there. */
  readonly proven: boolean;
  /** Messages whose flags were other ones, and that had not changed since `since`. */
  readonly faults: number;
}

/**
 * Compares the flags of all messages up to `highest` with the server's, and takes them over. `gone` is known to be on
 * the server no more. What changed after `since`, the HIGHESTMODSEQ of this pass, is news and no fault.
 */
export async function compareFlags(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  { highest, gone, since }: { highest: number; gone: readonly number[]; since: bigint | null },
): Promise<FlagComparison> {
  const isGone = new Set(gone);
  let [proven, faults] = [true, 0];
  // By what is stored, not by number: a server may list the UID 4294967295.
  const live = (await presentUids(context.pool, ref, 1, highest)).filter((uid) => !isGone.has(uid));
  for (let from = 0; from < live.length; from += UIDS_PER_COMMAND) {
    const ours = live.slice(from, from + UIDS_PER_COMMAND);
    const { flags, silent } = await askTwice(connection, `${ours[0]}:${ours.at(-1)}`, ours);
    if (silent.length > 0) proven = false;
    const isNews = ({ modseq }: FlagChange): boolean => since !== null && modseq !== null && modseq > since;
    await storeFlags(context, ref, flags.filter(isNews), 'present');
    const old = flags.filter((change) => !isNews(change));
    faults += await storeFlags(context, ref, old, 'present');
  }
  return { proven, faults };
}

/** A message missing from an answer is asked for once more: it may have been left out, and that says nothing. */
async function askTwice(
  connection: ImapConnection,
  set: string,
  uids: readonly number[],
): Promise<{ flags: FlagChange[]; silent: number[] }> {
  const flags = await connection.fetchFlags(set);
  const silentIn = (answer: readonly FlagChange[], asked: readonly number[]): number[] => {
    const heard = new Set(answer.map(({ uid }) => uid));
    return asked.filter((uid) => !heard.has(uid));
  };
  const silent = silentIn(flags, uids);
  const later: FlagChange[] = [];
  for (const rest of packUids(silent)) later.push(...(await connection.fetchFlags(rest)));
  return { flags: [...flags, ...later], silent: silentIn(later, silent) };
}
