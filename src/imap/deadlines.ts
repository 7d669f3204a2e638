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
  /** For the answer to LOGOUT, which is a courtesy. */
  readonly logoutMs: number;
}

export const DEFAULT_DEADLINES: ImapDeadlines = {
  connectMs: 20 * SECOND,
  greetingMs: 15 * SECOND,
  loginMs: 45 * SECOND,
  silenceMs: 90 * SECOND,
  logoutMs: 2 * SECOND,
};

/** The deadlines of somebody who waits for a silent server for `silenceMs`, and for nothing longer. */
export function deadlinesOf(silenceMs: number): ImapDeadlines {
  const { connectMs, greetingMs, loginMs, logoutMs } = DEFAULT_DEADLINES;
  return {
    connectMs: Math.min(connectMs, silenceMs),
    greetingMs: Math.min(greetingMs, silenceMs),
    loginMs: Math.min(loginMs, silenceMs),
    silenceMs,
    logoutMs: Math.min(logoutMs, silenceMs),
  };
}

/** Looks this often within the allowed silence, so that it is noticed at most a quarter late. */
const LOOKS = 4;

/**
 * Watches one connection while a command runs: `onSilence` is called when no byte came for the allowed time although
 * this side was listening. imapflow's own watchdog also ends connections that are quiet between two commands.
 */
export class SilenceWatch {
  readonly #bytesReceived: () => number;
  readonly #silenceMs: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #quietLooks = 0;
  #listening = true;

  constructor(bytesReceived: () => number, silenceMs: number, onSilence: () => void) {
    this.#bytesReceived = bytesReceived;
    this.#silenceMs = silenceMs;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.#quietLooks = 0;
    this.#listening = true;
    this.#timer = setInterval(() => this.#look(), this.#silenceMs / LOOKS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
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
    if (this.#quietLooks >= LOOKS) this.#onSilence();
  }
}
