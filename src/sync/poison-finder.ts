import { toMailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { anyStoredUid, type MailboxRef, type PendingLocation } from '../store/mail/locations.ts';
import { countAttempt, quarantine } from '../store/mail/quarantine.ts';
import type { SyncContext } from './context.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';

/** Messages that were asked for and did not come yet, by UID. */
export type Waiting = Map<number, PendingLocation>;

/**
 * Fetches what waits and takes out what came, also what turned out to be larger than a message may be, which it puts
 * into `oversized`. `onServed` hears of every message with bytes, also of one that stays in `waiting` because they may
 * not be all of them.
 */
export type FetchWaiting = (
  connection: ImapConnection,
  waiting: Waiting,
  onServed: (location: PendingLocation) => void,
  oversized: PendingLocation[],
) => Promise<void>;

/** Breaks in a row that no message can be blamed for: narrowing 500 down to one takes four. */
const MAX_UNEXPLAINED = 5;
/** Messages of one mailbox that may break the connection in one run. */
const MAX_BREAKERS = 50;
/** After a break, so much fewer messages are asked for together. */
const NARROWER = 8;
/** Where nothing was served yet, the server is tried with so many other messages before one is blamed. */
const MAX_TRIALS = 5;
/** From so many attempts in vain on a message is set aside also where there is no other one to try the server with. */
const ATTEMPTS_ENOUGH = 2;

/**
 * Fetches messages from a server that may break down over one of them. That one is found, set aside, and the others go
 * on.
 *
 *   NO to the FETCH        the rest is asked for by halves, down to single messages; those that are refused alone stay
 *                          in `waiting`, as do those that the server says nothing of: resolveSilent asks once more
 *   the connection breaks  over a new one the first message that did not come is asked for alone, because servers
 *                          answer in ascending order. If it breaks that one as well, it is the poison. If not, rows
 *                          were lost with the connection, or it was the line: the rest is asked for in smaller groups
 *
 * Before a message is blamed, another one that the server has served before is asked for, or some that it was not asked
 * for alone yet: if none is served either, it is the server that is out of order, and the run fails. So it does over a line that breaks again and again without
 * any message to blame; the next one begins with smaller groups (src/sync/asked-together.ts).
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
  /** The smallest message that the server has served, to try it with. */
  #control: PendingLocation | null = null;
  /** All that is fetched at present. */
  #asked: readonly PendingLocation[] = [];

  constructor(context: SyncContext, imap: ReconnectingConnection, ref: MailboxRef, fetch: FetchWaiting) {
    this.#context = context;
    this.#imap = imap;
    this.#ref = ref;
    this.#fetch = fetch;
  }

  /** Messages that turned out to be larger than the limit since the last call. */
  takeOversized(): PendingLocation[] {
    const taken = this.#oversized;
    this.#oversized = [];
    this.#oversizedBefore = 0;
    return taken;
  }

  /** Leaves in `waiting` what the server is silent about. */
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

  /** Asks for one message more: the server serves it, says nothing of it or refuses it, or breaks down over it. */
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
    // It broke after the last one had come.
    if (waiting.size === 0) return;
    const suspect = waiting.get(Math.min(...waiting.keys()))!;
    const answer = await this.fetchAlone(suspect);
    if (answer === 'broken') {
      if (!(await this.#isToBlame(suspect))) throw error;
      if (++this.#breakers > MAX_BREAKERS) throw error;
      this.#unexplained = 0;
      log.warn({ mailbox: this.#ref.path, uid: suspect.uid }, 'the server breaks down over a message');
      publish(await quarantine(pool, lease, this.#ref, [suspect.uid], 'NOT_SERVED'));
    }
    if (answer !== 'silent') waiting.delete(suspect.uid);
    const rest = [...waiting].filter(([uid]) => uid !== suspect.uid);
    await this.#inGroups(waiting, rest, Math.ceil(rest.length / NARROWER));
  }

  /** The server announced more bytes than a message may have. What it says of one message twice is believed. */
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

  /** Whether it is this message, and not the server, that a failure is the fault of. */
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
