import type { Logger } from 'imapflow';
import { type Redact, redactedError, withoutWords } from './redact.ts';

/** What is used of a pino logger. */
export interface ImapLogger {
  debug(entry: object, message?: string): void;
  isLevelEnabled?(level: string): boolean;
}

interface Entry {
  readonly msg?: string;
  readonly src?: unknown;
  readonly err?: unknown;
  /** Milliseconds, of "Throttling detected". */
  readonly throttleDelay?: number;
}

/**
 * imapflow's log as our debug level: what matters of a failure is told by the error that it ends in.
 * `onThrottle` hears of Microsoft's "Request is throttled" at once. Left alone, imapflow waits out the suggested time
 * inside the connection, minutes in which nothing is read, and then repeats the FETCH without rows that it takes for
 * delivered; this entry is its only sign before the wait.
 * While `isLoggingIn`, nothing that the server says is written: it may repeat the secret in any spelling.
 */
export function flowLogger(
  logger: ImapLogger | undefined,
  redact: Redact,
  onThrottle: (suggestedMs: number | undefined) => void,
  isLoggingIn: () => boolean,
): Logger & { isLevelEnabled(level: string): boolean } {
  const enabled = logger !== undefined && (logger.isLevelEnabled?.('debug') ?? true);
  const write = ({ msg, src, err }: Entry) => {
    if (!enabled) return;
    const isSecret = isLoggingIn();
    const error = err === undefined ? {} : { err: isSecret ? withoutWords(err) : redactedError(err, redact) };
    const text = isSecret && src === 's' ? '(an answer to the login)' : redact(msg ?? 'error');
    logger.debug({ ...(src === undefined ? {} : { src }), ...error }, `imap: ${text}`);
  };
  return {
    trace() {},
    debug: write,
    info: write,
    warn(entry: Entry) {
      // After the wait has begun: closing the connection settles waits, not what is about to wait.
      if (entry.msg === 'Throttling detected') setImmediate(onThrottle, entry.throttleDelay);
      write(entry);
    },
    error: write,
    fatal: write,
    isLevelEnabled: (level: string) => enabled && level !== 'trace',
  };
}
