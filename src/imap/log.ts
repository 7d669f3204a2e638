import type { Logger } from 'imapflow';
import { type Redact, redactedError, withoutWords } from './redact.ts';

/** The part of a pino logger that is used. */
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
 * Writes imapflow's log at debug level: a failure is reported by the error that it ends in.
 *
 * It calls `onThrottle` at once for Microsoft's "Request is throttled". imapflow would wait for the suggested time
 * inside the connection, minutes in which nothing is read, and then repeat the FETCH without the rows that it considers
 * delivered. This entry is the only sign before that wait.
 *
 * While `isLoggingIn`, no answer of the server is written: it may repeat the secret in any spelling.
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
      // Deferred until the wait has begun: closing the connection ends only waits in progress.
      if (entry.msg === 'Throttling detected') setImmediate(onThrottle, entry.throttleDelay);
      write(entry);
    },
    error: write,
    fatal: write,
    isLevelEnabled: (level: string) => enabled && level !== 'trace',
  };
}
