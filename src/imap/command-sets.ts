import { packUids } from '../domain/uid-set.ts';

/** Messages in one FETCH: rows that lack something are held until its end, and nobody can stop it half-way. */
const MESSAGES_PER_COMMAND = 2000;

/** UIDs as the sets of the commands that ask for them, ascending. */
export function* commandSets(uids: readonly number[]): Generator<string> {
  const sorted = [...new Set(uids)].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; i += MESSAGES_PER_COMMAND) {
    yield* packUids(sorted.slice(i, i + MESSAGES_PER_COMMAND));
  }
}
