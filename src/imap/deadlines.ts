const SECOND = 1000;

/** How long this side waits before it gives a connection up. All in milliseconds. */
export interface ImapDeadlines {
  /** For TCP and TLS together. Longer than the 15 s in which a lost SYN has been repeated three times. */
  readonly connectMs: number;
  /** For the greeting. Servers look up the client's name first; a server that waits for TLS never greets. */
  readonly greetingMs: number;
  /** From the greeting to the end of the login. Servers answer wrong passwords late on purpose. */
  readonly loginMs: number;
  /** Without a single byte while a command runs. Servers send "still here" lines during long ones (Dovecot: 15 s). */
  readonly silenceMs: number;
  /**
   * For the whole answer to a command, with a second more for each 4 KiB that came: servers may work long on one, but
   * one that says "still here" for ever does not work.
   */
  readonly commandMs: number;
  /** For the answer to LOGOUT, which is a courtesy. */
  readonly logoutMs: number;
}

export const DEFAULT_DEADLINES: ImapDeadlines = {
  connectMs: 20 * SECOND,
  greetingMs: 15 * SECOND,
  loginMs: 45 * SECOND,
  silenceMs: 90 * SECOND,
  commandMs: 10 * 60 * SECOND,
  logoutMs: 2 * SECOND,
};

/** The deadlines of somebody who waits for a silent server for `silenceMs`, and for no other step longer. */
export function deadlinesOf(silenceMs: number): ImapDeadlines {
  const { connectMs, greetingMs, loginMs, logoutMs } = DEFAULT_DEADLINES;
  return {
    connectMs: Math.min(connectMs, silenceMs),
    greetingMs: Math.min(greetingMs, silenceMs),
    loginMs: Math.min(loginMs, silenceMs),
    silenceMs,
    commandMs: DEFAULT_DEADLINES.commandMs,
    logoutMs: Math.min(logoutMs, silenceMs),
  };
}

/** Slower than any line on which mail is read. */
const SLOWEST_BYTES_PER_MS = 4.096;

/** Looks this often within the allowed silence, so that it is noticed at most a quarter late. */
const LOOKS = 4;

/**
 * Watches one connection while a command runs: `onSilence` is called when no byte came for the allowed time although
 * this side was listening, or the answer takes longer than it may. imapflow's own watchdog also ends connections that are quiet between two commands.
 */
export class SilenceWatch {
  readonly #bytesReceived: () => number;
  readonly #silenceMs: number;
  readonly #commandMs: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #quietLooks = 0;
  #listening = true;

  #listenedMs = 0;
  #bytesBefore = 0;

  constructor(
    bytesReceived: () => number,
    { silenceMs, commandMs }: Pick<ImapDeadlines, 'silenceMs' | 'commandMs'>,
    onSilence: () => void,
  ) {
    this.#bytesReceived = bytesReceived;
    this.#silenceMs = silenceMs;
    this.#commandMs = commandMs;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.#quietLooks = 0;
    this.#listening = true;
    this.#timer = setInterval(() => this.#look(), this.#lookEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A command was sent: its answer has its own time. */
  commandBegins(): void {
    this.#listenedMs = 0;
    this.#bytesBefore = this.#bytesReceived();
  }

  /** The consumer of a row is busy: nothing is read until it comes back, and that is not the server's silence. */
  pause(): void {
    this.#listening = false;
  }

  resume(): void {
    this.#listening = true;
    this.#quietLooks = 0;
  }

  #look(): void {
    const bytes = this.#bytesReceived();
    const heard = bytes !== this.#bytes;
    this.#bytes = bytes;
    this.#quietLooks = heard || !this.#listening ? 0 : this.#quietLooks + 1;
    if (this.#listening) this.#listenedMs += this.#lookEveryMs;
    const allowedMs = this.#commandMs + (bytes - this.#bytesBefore) / SLOWEST_BYTES_PER_MS;
    if (this.#quietLooks >= LOOKS || this.#listenedMs >= allowedMs) this.#onSilence();
  }

  get #lookEveryMs(): number {
    return this.#silenceMs / LOOKS;
  }
}
