import { hash } from 'node:crypto';
import { isSameLetter, SHARED } from './carrier.ts';

/** The links of a message that decide its thread. */
export interface ThreadLinks {
  /** The key of its own Message-ID; null if it has none that identifies it. */
  readonly own: bigint | null;
  /** Distinguishes the message from others with the same Message-ID (carrier.ts). */
  readonly carrier: bigint;
  /** The keys of the Message-IDs that it refers to. */
  readonly references: readonly bigint[];
}

export interface LinkedMessage extends ThreadLinks {
  readonly key: string;
}

/** A Message-ID that the account knows. */
export interface KnownReference {
  readonly threadId: string;
  /**
   * The carrier of the message that has it as its own; {@link SHARED} if several do; null while it is only referred to.
   */
  readonly carrier: bigint | null;
  /** An earlier version of the parser wrote it (src/store/mail/reparse.ts). */
  readonly isOld: boolean;
}

/** A Message-ID to store, with its thread and carrier. */
export type NewReference = readonly [ref: bigint, threadId: string, carrier: bigint | null];

export interface ThreadAssignment {
  /** By the key of the message. */
  readonly threadOf: ReadonlyMap<string, string>;
  /** Messages that refer to one which is not parsed again yet: their thread is provisional. */
  readonly provisional: ReadonlySet<string>;
  /** Threads to create. */
  readonly newThreads: readonly string[];
  readonly newReferences: readonly NewReference[];
  /** Known Message-IDs whose carrier has become known, or shared. */
  readonly changedReferences: readonly NewReference[];
  /** Threads to merge: all messages and references of `from` move to `into`. */
  readonly merges: readonly (readonly [from: string, into: string])[];
}

/**
 * Returns the key of a Message-ID as PostgreSQL's bigint: the first 64 bits of its SHA-256. Message-IDs have any
 * length, too long for an index. Two of one account practically never have the same key by chance: an even chance takes
 * 2^32.
 */
export function referenceKey(messageIdHeader: string): bigint {
  return hash('sha256', messageIdHeader, 'buffer').readBigInt64BE();
}

/** Returns the keys of all Message-IDs of a message, including its own. */
export const keysOf = ({ own, references }: ThreadLinks): readonly bigint[] =>
  own === null ? references : [own, ...references];

/**
 * Assigns messages to threads: two messages share a thread if they have a Message-ID in common. Messages arrive newest
 * first, so replies come before the message that they reply to, and a later message may show that two threads are one.
 * The two are merged into the older one, which has the smaller id (UUID version 7), so the result does not depend on
 * the order of arrival. A message without Message-IDs has a thread of its own.
 *
 * A Message-ID that different letters have as their own identifies none of them: from the second letter on, it joins no
 * messages. Copies of one letter still share a thread (carrier.ts).
 * @param known the stored references among the keys of the messages
 * @param newThreadId returns the id of the thread for a message that joins none
 */
export function assignThreads(
  messages: readonly LinkedMessage[],
  known: ReadonlyMap<bigint, KnownReference>,
  newThreadId: (key: string) => string,
): ThreadAssignment {
  const threads = new MergingThreads();
  const created: string[] = [];
  const references = new Map(known);
  const changed = new Set<bigint>();
  const threadOf = new Map<string, string>();
  const provisional = new Set<string>();

  for (const message of messages) {
    const { key, own } = message;
    const keys = keysOf(message);
    const old = keys.flatMap((ref) => {
      const reference = references.get(ref);
      return reference?.isOld ? reference.threadId : [];
    });
    if (old.length > 0) {
      threadOf.set(key, old.reduce(smaller));
      provisional.add(key);
      continue;
    }
    if (own !== null) {
      const reference = references.get(own);
      const carrier = carrierAfter(reference?.carrier ?? null, message.carrier);
      if (reference && reference.carrier !== carrier) {
        references.set(own, { ...reference, carrier });
        changed.add(own);
      }
    }
    const joining = [...new Set(keys)].filter((ref) => references.get(ref)?.carrier !== SHARED);
    const named = joining.flatMap((ref) => references.get(ref)?.threadId ?? []);
    if (named.length === 0) {
      const id = newThreadId(key);
      created.push(id);
      named.push(id);
    }
    const threadId = threads.merge(named);
    threadOf.set(key, threadId);
    for (const ref of joining) {
      if (references.has(ref)) continue;
      references.set(ref, { threadId, carrier: ref === own ? message.carrier : null, isOld: false });
      changed.add(ref);
    }
  }

  const written = [...changed].map((ref): NewReference => {
    const { threadId, carrier } = references.get(ref)!;
    return [ref, threads.find(threadId), carrier];
  });
  return {
    threadOf: new Map([...threadOf].map(([key, thread]) => [key, threads.find(thread)])),
    provisional,
    newThreads: created.filter((thread) => threads.find(thread) === thread),
    newReferences: written.filter(([ref]) => !known.has(ref)),
    changedReferences: written.filter(([ref]) => known.has(ref)),
    merges: [...new Set([...known.values()].map(({ threadId }) => threadId))]
      .map((thread) => [thread, threads.find(thread)] as const)
      .filter(([from, into]) => from !== into),
  };
}

/** Returns the carrier of a Message-ID after another message has it as its own. */
function carrierAfter(before: bigint | null, carrier: bigint): bigint {
  if (before === null) return carrier;
  return before !== SHARED && isSameLetter(before, carrier) ? before : SHARED;
}

const smaller = (a: string, b: string): string => (a < b ? a : b);

/** Union-find in which the smallest id of a set represents it. */
class MergingThreads {
  readonly #parents = new Map<string, string>();

  find(thread: string): string {
    let root = thread;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    if (root !== thread) this.#parents.set(thread, root);
    return root;
  }

  merge(threads: readonly string[]): string {
    const roots = threads.map((thread) => this.find(thread));
    const oldest = roots.reduce(smaller);
    for (const root of roots) if (root !== oldest) this.#parents.set(root, oldest);
    return oldest;
  }
}
