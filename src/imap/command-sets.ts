import { packUids } from '../domain/uid-set.ts';

/** Messages in one FETCH. Incomplete rows are held until its end, and it cannot be stopped half-way. */
const MESSAGES_PER_COMMAND = 2000;

/** Splits UIDs into one set per command, ascending. */
export function* commandSets(uids: readonly number[]): Generator<string> {
  const sorted = [...new Set(uids)].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; i += MESSAGES_PER_COMMAND) {
    yield* packUids(sorted.slice(i, i + MESSAGES_PER_COMMAND));
  }
}
