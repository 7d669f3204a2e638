const SECOND = 1000;

/** How long the client waits before it gives up a connection, in milliseconds. */
export interface ImapDeadlines {
  /** For TCP and TLS together. Longer than the 15 s in which a lost SYN is sent three more times. */
  readonly connectMs: number;
  /** For the greeting. Servers look up the client's name first. A server that waits for TLS never greets. */
  readonly greetingMs: number;
  /** From the greeting to the end of the login. Servers delay the answer to a wrong password on purpose. */
  readonly loginMs: number;
  /** Without a single byte while a command runs. Servers send "still here" lines during long ones (Dovecot: 15 s). */
  readonly silenceMs: number;
  /**
   * For the whole answer to a command, plus one second for each 4 KiB received. A command may take long, but a server
   * that sends "still here" without end does not work.
   */
  readonly commandMs: number;
  /** For the answer to LOGOUT, which is only polite. */
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

/** Returns deadlines with this silence, and with no other step except a whole command longer than it. */
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

/** Slower than any network on which people read mail. */
const SLOWEST_BYTES_PER_MS = 4.096;

/** Checks per allowed silence, so that silence is detected at most a quarter late. */
const CHECKS = 4;

/**
 * Watches one connection while a command runs. It calls `onSilence` if no byte arrives for the allowed time although
 * the client is reading, or if the answer takes longer than allowed. imapflow's own watchdog cannot be used, because it
 * also ends connections that are quiet between two commands.
 */
export class SilenceWatch {
  readonly #bytesReceived: () => number;
  readonly #silenceMs: number;
  readonly #commandMs: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #quietChecks = 0;
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
    this.#quietChecks = 0;
    this.#listening = true;
    this.#timer = setInterval(() => this.#check(), this.#checkEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Restarts the time limit of the answer, because a command was sent. */
  commandBegins(): void {
    this.#listenedMs = 0;
    this.#bytesBefore = this.#bytesReceived();
  }

  /** Stops counting silence while the consumer processes a row: nothing is read meanwhile. */
  pause(): void {
    this.#listening = false;
  }

  resume(): void {
    this.#listening = true;
    this.#quietChecks = 0;
  }

  #check(): void {
    const bytes = this.#bytesReceived();
    const isQuiet = bytes === this.#bytes;
    this.#bytes = bytes;
    this.#quietChecks = isQuiet && this.#listening ? this.#quietChecks + 1 : 0;
    if (this.#listening) this.#listenedMs += this.#checkEveryMs;
    const allowedMs = this.#commandMs + (bytes - this.#bytesBefore) / SLOWEST_BYTES_PER_MS;
    if (this.#quietChecks >= CHECKS || this.#listenedMs >= allowedMs) this.#onSilence();
  }

  get #checkEveryMs(): number {
    return this.#silenceMs / CHECKS;
  }
}
