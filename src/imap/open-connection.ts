import { MailboxNames } from '../domain/mailbox-names.ts';
import { MailtideError } from '../errors.ts';
import { DEFAULT_LIMITS, type ImapLimits } from './answer-limits.ts';
import type { ImapConnection, ImapLogin, ImapServerFacts } from './connection.ts';
import { DEFAULT_DEADLINES, type ImapDeadlines } from './deadlines.ts';
import type { ImapStage } from './errors.ts';
import { fetchChanges } from './fetch-changes.ts';
import { fetchHeaders } from './fetch-headers.ts';
import { fetchFlags, fetchMetadata } from './fetch-metadata.ts';
import { fetchSources } from './fetch-sources.ts';
import { flowOptions } from './flow-options.ts';
import { list } from './list.ts';
import type { ImapLogger } from './log.ts';
import { redactorFor } from './redact.ts';
import { searchUids } from './search.ts';
import { select } from './select.ts';
import { ImapSession } from './session.ts';

export interface OpenImapOptions {
  /**
   * Ends the connection at once: the socket is destroyed, and pending calls reject with the signal's reason if it is a
   * MailtideError, otherwise with RUN_CANCELLED.
   */
  readonly signal?: AbortSignal;
  readonly logger?: ImapLogger;
  readonly deadlines?: Partial<ImapDeadlines>;
  readonly limits?: Partial<ImapLimits>;
  /** `ca`: PEM of the authorities to trust instead of the system's. */
  readonly tls?: { readonly ca?: string };
  /** The known spelling of the account's mailbox names; a LIST adds to it. */
  readonly names?: MailboxNames;
}

/**
 * Connects and logs in. TLS is verified, and never replaced by clear text if `login` requires TLS or STARTTLS.
 * @throws MailtideError IMAP_* for what went wrong (src/imap/errors.ts), RUN_CANCELLED if `signal` aborts
 */
export async function openImapConnection(login: ImapLogin, options: OpenImapOptions = {}): Promise<ImapConnection> {
  const { signal, logger } = options;
  if (signal?.aborted) throw reasonOf(signal);
  const deadlines = { ...DEFAULT_DEADLINES, ...options.deadlines };
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const session = new ImapSession(flowOptions(login, deadlines, limits, options.tls), {
    login,
    limits,
    deadlines,
    redact: redactorFor(login),
    logger,
    names: options.names ?? new MailboxNames(),
  });
  const cancel = () => session.fail(reasonOf(signal));
  signal?.addEventListener('abort', cancel);
  session.client.once('close', () => signal?.removeEventListener('abort', cancel));
  await connect(session, login, deadlines);
  return connectionOn(session, deadlines);
}

const reasonOf = (signal?: AbortSignal): MailtideError =>
  signal?.reason instanceof MailtideError ? signal.reason : new MailtideError('RUN_CANCELLED');

async function connect(session: ImapSession, login: ImapLogin, deadlines: ImapDeadlines): Promise<void> {
  const { client } = session;
  const wholeMs = deadlines.connectMs + deadlines.greetingMs + deadlines.loginMs;
  const timer = setTimeout(() => session.fail(new MailtideError('IMAP_TIMEOUT')), wholeMs);
  try {
    await client.connect();
  } catch (error) {
    client.close();
    throw session.translate(error, stageOf(session, login, error));
  } finally {
    clearTimeout(timer);
  }
  // A server that advertises CONDSTORE needs no ENABLE (RFC 7162, 3.1): a request for HIGHESTMODSEQ, as by list(), or
  // for CHANGEDSINCE suffices. To servers without ENABLE, and those that answer it with an empty list (iCloud, James),
  // imapflow would silently send neither.
  if (client.capabilities.has('CONDSTORE')) client.enabled.add('CONDSTORE');
}

function stageOf({ client }: ImapSession, login: ImapLogin, error: unknown): ImapStage {
  if (client.connectedAt === null) {
    const whileConnecting = (error as NodeJS.ErrnoException | null)?.syscall === 'connect';
    return login.security === 'TLS' && !whileConnecting ? 'tls' : 'connect';
  }
  if (client.greeting === undefined) return 'greeting';
  return login.security === 'STARTTLS' && !client.secureConnection && !client.byeReason ? 'tls' : 'login';
}

function factsOf({ client }: ImapSession): ImapServerFacts {
  return {
    level: client.enabled.has('QRESYNC') ? 'QRESYNC' : client.enabled.has('CONDSTORE') ? 'CONDSTORE' : 'NONE',
    isGmail: client.capabilities.has('X-GM-EXT-1'),
    capabilities: [...client.capabilities.keys()],
  };
}

function connectionOn(session: ImapSession, { logoutMs }: ImapDeadlines): ImapConnection {
  return {
    server: factsOf(session),
    list: ({ withStatus } = { withStatus: true }) => list(session, withStatus),
    unread: () => session.unread,
    select: (path) => select(session, path),
    searchUids: (set) => searchUids(session, set),
    fetchMetadata: (uids, { withSize } = { withSize: true }) => fetchMetadata(session, uids, withSize),
    fetchChanges: (upTo, since) => fetchChanges(session, upTo, since),
    fetchFlags: (set) => fetchFlags(session, set),
    fetchSources: (uids, sizes) => fetchSources(session, uids, sizes),
    fetchHeaders: (uids, fields) => fetchHeaders(session, uids, fields),
    takeVanished: () => session.takeVanished(),
    close: () => close(session, logoutMs),
  };
}

/** LOGOUT expunges nothing (RFC 9051, 6.1.3), unlike CLOSE (6.4.1), which is never sent. */
async function close({ client, busy }: ImapSession, logoutMs: number): Promise<void> {
  // Closing the socket ends the wait for an unanswered LOGOUT.
  const timer = setTimeout(() => client.close(), busy ? 0 : logoutMs);
  await client.logout().catch(() => {});
  clearTimeout(timer);
  client.close();
}
