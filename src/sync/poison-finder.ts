import { toMailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { anyStoredUid, type MailboxRef, type PendingLocation } from '../store/mail/locations.ts';
import { countAttempt, quarantine } from '../store/mail/quarantine.ts';
import type { SyncContext } from './context.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';

/** Messages that were requested and have not arrived, by UID. */
export type Waiting = Map<number, PendingLocation>;

/**
 * Fetches the messages in `waiting` and removes those that arrive. It also removes those that exceed the size limit,
 * and adds them to `oversized`. It calls `onServed` for every message with bytes, even if it stays in `waiting` because
 * it may be truncated.
 */
export type FetchWaiting = (
  connection: ImapConnection,
  waiting: Waiting,
  onServed: (location: PendingLocation) => void,
  oversized: PendingLocation[],
) => Promise<void>;

/** Most breaks in a row without a message to blame: narrowing 500 messages down to one takes four. */
const MAX_UNEXPLAINED = 5;
/** Most messages of one mailbox that may break the connection in one run. */
const MAX_BREAKERS = 50;
/** After a break, a FETCH asks for the previous number of messages divided by this. */
const NARROWER = 8;
/** If no message was served yet, how many others are tried before one is blamed. */
const MAX_TRIALS = 5;
/** After this many failed attempts, a message is quarantined even if no other one exists to try the server with. */
const ATTEMPTS_ENOUGH = 2;

/**
 * Fetches messages from a server that may fail on one of them. It finds and quarantines that one, and fetches the
 * others.
 *
 *   NO to the FETCH        The rest is fetched in halves, down to single messages. A message that is refused alone
 *                          stays in `waiting`, like one that the server omits. resolveSilent then fetches both again.
 *   the connection breaks  Over a new one, the first message that did not arrive is fetched alone, because servers
 *                          answer in ascending order. If it breaks the new connection too, it is the poison. If not,
 *                          rows were lost with the connection, or the network failed. Then the rest is fetched in
 *                          smaller groups.
 *
 * Before it blames a message, it fetches another one that the server has served before, or tries some others. If none
 * is served either, the server itself is out of order, and the run fails. The run also fails if the connection keeps
 * breaking without a message to blame. The next attempt then begins with smaller groups (src/sync/asked-together.ts).
 * Why it is not enough to blame the first one: docs/decisions/0021-poison-finder.md.
 */
export class PoisonFinder {
  readonly #context: SyncContext;
  readonly #imap: ReconnectingConnection;
  readonly #ref: MailboxRef;
  readonly #fetch: FetchWaiting;
  #oversized: PendingLocation[] = [];
  #oversizedBefore = 0;
  #unexplained = 0;
  #breakers = 0;
  /** The smallest message that the server has served, to check whether it still serves messages. */
  #control: PendingLocation | null = null;
  /** All messages of the present FETCH, smallest first. */
  #asked: readonly PendingLocation[] = [];

  constructor(context: SyncContext, imap: ReconnectingConnection, ref: MailboxRef, fetch: FetchWaiting) {
    this.#context = context;
    this.#imap = imap;
    this.#ref = ref;
    this.#fetch = fetch;
  }

  /** Returns the messages that exceeded the size limit since the last call. */
  takeOversized(): PendingLocation[] {
    const taken = this.#oversized;
    this.#oversized = [];
    this.#oversizedBefore = 0;
    return taken;
  }

  /** Fetches `waiting`, and leaves in it the messages that the server omits or refuses. */
  async fetch(waiting: Waiting): Promise<void> {
    this.#asked = [...waiting.values()].toSorted((a, b) => a.size - b.size);
    await this.#fetchPart(waiting);
  }

  async #fetchPart(waiting: Waiting): Promise<void> {
    try {
      await this.#ask(waiting);
    } catch (error) {
      const { code } = toMailtideError(error);
      if (code === 'IMAP_SERVER_REFUSED') await this.#afterRefusal(waiting, error);
      else if (isConnectionBreak(error)) await this.#afterBreak(waiting, error);
      else throw error;
    }
  }

  /** Fetches one message. Returns whether the server serves it, omits or refuses it, or fails on it. */
  async fetchAlone(location: PendingLocation): Promise<'served' | 'silent' | 'broken'> {
    const waiting = new Map([[location.uid, location]]);
    try {
      await this.#ask(waiting);
    } catch (error) {
      const { code } = toMailtideError(error);
      if (code !== 'IMAP_SERVER_REFUSED') {
        if (!isConnectionBreak(error)) throw error;
        await this.#imap.renew(this.#ref);
        return waiting.size === 0 ? 'served' : 'broken';
      }
    }
    return waiting.size === 0 ? 'served' : 'silent';
  }

  #ask(waiting: Waiting): Promise<void> {
    const onServed = (location: PendingLocation) => {
      if (!this.#control || location.size < this.#control.size) this.#control = location;
    };
    return this.#fetch(this.#imap.connection, waiting, onServed, this.#oversized);
  }

  async #afterBreak(waiting: Waiting, error: unknown): Promise<void> {
    const { pool, lease, publish, log } = this.#context;
    const isExplained =
      this.#oversized.length > this.#oversizedBefore && toMailtideError(error).code === 'IMAP_ANSWER_TOO_LARGE';
    this.#oversizedBefore = this.#oversized.length;
    if (isExplained) return this.#afterOversized(waiting, this.#oversized.pop()!, error);
    if (++this.#unexplained > MAX_UNEXPLAINED) {
      await countAttempt(pool, lease, this.#ref, [...waiting.keys()]);
      throw error;
    }
    await this.#imap.renew(this.#ref);
    // It broke after the last message had arrived.
    if (waiting.size === 0) return;
    const suspect = waiting.get(Math.min(...waiting.keys()))!;
    const answer = await this.fetchAlone(suspect);
    if (answer === 'broken') {
      if (!(await this.#isToBlame(suspect))) throw error;
      if (++this.#breakers > MAX_BREAKERS) throw error;
      this.#unexplained = 0;
      log.warn({ mailbox: this.#ref.path, uid: suspect.uid }, 'the server fails on a message');
      publish(await quarantine(pool, lease, this.#ref, [suspect.uid], 'NOT_SERVED'));
    }
    if (answer !== 'silent') waiting.delete(suspect.uid);
    const rest = [...waiting].filter(([uid]) => uid !== suspect.uid);
    await this.#inGroups(waiting, rest, Math.ceil(rest.length / NARROWER));
  }

  /** Handles a message announced with more bytes than the limit. Its size is believed if it is announced twice. */
  async #afterOversized(waiting: Waiting, location: PendingLocation, error: unknown): Promise<void> {
    await this.#imap.renew(this.#ref);
    const answer = await this.fetchAlone(location);
    this.#oversizedBefore = this.#oversized.length;
    if (answer !== 'served') {
      if (++this.#unexplained > MAX_UNEXPLAINED) throw error;
      waiting.set(location.uid, location);
    }
    if (waiting.size > 0) await this.#fetchPart(waiting);
  }

  async #afterRefusal(waiting: Waiting, error: unknown): Promise<void> {
    if (waiting.size > 1) return this.#inGroups(waiting, [...waiting], Math.ceil(waiting.size / 2));
    for (const location of waiting.values()) if (!(await this.#isToBlame(location))) throw error;
  }

  /** Returns whether a failure is the fault of this message, and not of the server. */
  async #isToBlame(location: PendingLocation): Promise<boolean> {
    const { pool, lease } = this.#context;
    const control = this.#control?.uid ?? (await anyStoredUid(pool, this.#ref));
    const others = this.#asked.filter(({ uid }) => uid !== location.uid).slice(0, MAX_TRIALS);
    if (control === null && location.attempts >= ATTEMPTS_ENOUGH) return true;
    if (control !== null && (await this.#serves(control))) return true;
    for (const other of control === null ? others : []) {
      if (!(await this.#serves(other.uid))) continue;
      this.#control = other;
      return true;
    }
    await countAttempt(pool, lease, this.#ref, [location.uid]);
    return false;
  }

  async #serves(uid: number): Promise<boolean> {
    try {
      for await (const row of this.#imap.connection.fetchSources([uid])) {
        if (row.uid === uid && row.source) return true;
      }
    } catch (error) {
      const { code } = toMailtideError(error);
      if (isConnectionBreak(error)) await this.#imap.renew(this.#ref);
      else if (code !== 'IMAP_SERVER_REFUSED') throw error;
    }
    return false;
  }

  async #inGroups(waiting: Waiting, rest: [number, PendingLocation][], size: number): Promise<void> {
    for (let from = 0; from < rest.length; from += size) {
      const group = rest.slice(from, from + size);
      const part = new Map(group);
      await this.#fetchPart(part);
      for (const [uid] of group) if (!part.has(uid)) waiting.delete(uid);
    }
  }
}
