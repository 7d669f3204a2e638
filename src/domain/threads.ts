import { hash } from 'node:crypto';

/** What a message says of its conversation. */
export interface MessageLinks {
  readonly messageIdHeader: string | null;
  /** Message-IDs of In-Reply-To and References. */
  readonly references: readonly string[];
}

export interface ThreadAssignment {
  /** By the key of the message. */
  readonly threadOf: ReadonlyMap<string, string>;
  /** Threads to create. */
  readonly newThreads: readonly string[];
  /** Message-IDs that belong to a thread from now on. */
  readonly newReferences: readonly (readonly [ref: bigint, threadId: string])[];
  /** Threads that turned out to be a part of another one: all that belongs to `from` goes to `into`. */
  readonly merges: readonly (readonly [from: string, into: string])[];
}

/**
 * A Message-ID as PostgreSQL's bigint: the first 64 bits of its SHA-256. They are as long as the sender likes, too long
 * for an index; that two of one account share the key by chance is out of the question (2^32 of them for an even one).
 */
export function referenceKey(messageIdHeader: string): bigint {
  return hash('sha256', messageIdHeader, 'buffer').readBigInt64BE();
}

/** The keys of all Message-IDs that a message names, its own among them. */
export function referenceKeys({ messageIdHeader, references }: MessageLinks): bigint[] {
  const ids = messageIdHeader === null ? references : [messageIdHeader, ...references];
  return [...new Set(ids.map(referenceKey))];
}

/**
 * Puts messages into threads: two messages share one when they name a Message-ID in common. Messages come newest first,
 * so the replies are there before what they reply to, and a late one may show that two threads are one. They become the
 * older of the two, which is the smaller id (UUID version 7), so the result does not depend on the order of arrival.
 * A message that names no id has a thread of its own.
 * @param known the threads of those reference keys of the messages that were seen before
 */
export function assignThreads(
  messages: readonly { readonly key: string; readonly references: readonly bigint[] }[],
  known: ReadonlyMap<bigint, string>,
  newThreadId: () => string,
): ThreadAssignment {
  const threads = new MergingThreads();
  const created: string[] = [];
  const threadOfRef = new Map(known);
  const newRefs: bigint[] = [];
  const threadOf = new Map<string, string>();

  for (const { key, references: refs } of messages) {
    const named = refs.flatMap((ref) => threadOfRef.get(ref) ?? []);
    if (named.length === 0) {
      const id = newThreadId();
      created.push(id);
      named.push(id);
    }
    const thread = threads.merge(named);
    threadOf.set(key, thread);
    for (const ref of refs) {
      if (threadOfRef.has(ref)) continue;
      threadOfRef.set(ref, thread);
      newRefs.push(ref);
    }
  }

  return {
    threadOf: new Map([...threadOf].map(([key, thread]) => [key, threads.find(thread)])),
    newThreads: created.filter((thread) => threads.find(thread) === thread),
    newReferences: newRefs.map((ref) => [ref, threads.find(threadOfRef.get(ref)!)]),
    merges: [...new Set(known.values())]
      .map((thread) => [thread, threads.find(thread)] as const)
      .filter(([from, into]) => from !== into),
  };
}

/** Union-find in which the smallest id of a set stands for it. */
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
    const oldest = roots.reduce((a, b) => (a < b ? a : b));
    for (const root of roots) if (root !== oldest) this.#parents.set(root, oldest);
    return oldest;
  }
}
