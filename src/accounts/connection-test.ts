import { ERRORS, type ErrorCode, MailtideError } from '../errors.ts';
import type { ImapDeadlines } from '../imap/deadlines.ts';
import type { OpenImapOptions } from '../imap/open-connection.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import type { ImapServer } from './account-input.ts';
import { type ConnectionInput, connection, parseInput } from './account-input.ts';
import { hintFor } from './connection-hints.ts';
import type { Credentials } from './credentials.ts';
import { checkHost } from './host-policy.ts';

export interface ConnectionTest {
  readonly ok: boolean;
  /** Null if the test succeeded. */
  readonly code: ErrorCode | null;
  readonly message: string;
  /** What to try next; null if nothing more is known. */
  readonly hint: string | null;
  readonly capabilities: readonly string[];
  /** Mailbox paths, in the order in which a sync reads them. */
  readonly mailboxes: readonly string[];
}

/** Shorter than those of a sync, because a user is waiting. */
const DEADLINES: Partial<ImapDeadlines> = { connectMs: 10_000, greetingMs: 10_000, loginMs: 20_000, silenceMs: 20_000 };
/** Limit of the whole test in ms, including the wait for a slot and the DNS lookup. */
const WHOLE_TEST_MS = 30_000;

export interface TestOptions extends OpenImapOptions {
  /** Runs the test once a slot is free. By default the test starts at once. */
  readonly inTurn?: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
  /** Limit of the whole test, in ms. */
  readonly wholeMs?: number;
}

/** The validated server and credentials to test. */
export interface ConnectionAttempt {
  readonly imap: ImapServer;
  readonly username: string;
  readonly credentials: Credentials;
}

/**
 * Connects, logs in, lists the mailboxes and logs out.
 * Returns every error that the caller can act on, including invalid input. Rejects only for internal errors.
 */
export async function testConnection(
  input: ConnectionInput,
  policy: HostPolicy,
  options: TestOptions = {},
): Promise<ConnectionTest> {
  return answering(null, async () => {
    const { emailAddress, imap, credentials } = parseInput(connection, input);
    return tryConnection({ imap, username: imap.username ?? emailAddress, credentials }, policy, options);
  });
}

/** Like {@link testConnection}, for validated input. */
export async function tryConnection(
  { imap, username, credentials }: ConnectionAttempt,
  policy: HostPolicy,
  { inTurn = (_signal, work) => work(), wholeMs = WHOLE_TEST_MS, ...options }: TestOptions = {},
): Promise<ConnectionTest> {
  return answering(imap, async () => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new MailtideError('IMAP_TIMEOUT')), wholeMs);
    const signal = options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal;
    try {
      return await inTurn(signal, () =>
        connectAndList({ imap, username, credentials }, policy, { ...options, signal }),
      );
    } finally {
      clearTimeout(timer);
    }
  });
}

async function connectAndList(
  { imap, username, credentials }: ConnectionAttempt,
  policy: HostPolicy,
  options: OpenImapOptions & { readonly signal: AbortSignal },
): Promise<ConnectionTest> {
  const { port, security } = imap;
  const checked = await checkHost(imap.host, security, policy, options.signal);
  const login = { ...checked, port, security, username, credentials };
  // Imported on demand: a process with only the api role does not load IMAP code before the first connection test.
  const [{ openImapConnection }, { TEST_LIMITS }, { mailboxesToSync }] = await Promise.all([
    import('../imap/open-connection.ts'),
    import('../imap/answer-limits.ts'),
    import('../imap/mailboxes-to-sync.ts'),
  ]);
  const connected = await openImapConnection(login, {
    ...options,
    deadlines: { ...DEADLINES, ...options.deadlines },
    limits: { ...TEST_LIMITS, ...options.limits },
  });
  try {
    const listed = await connected.list({ withStatus: false });
    const mailboxes = mailboxesToSync(listed, connected.server).map(({ path }) => path);
    const { capabilities } = connected.server;
    return { ok: true, code: null, message: 'The connection works.', hint: null, capabilities, mailboxes };
  } finally {
    await connected.close();
  }
}

async function answering(imap: ImapServer | null, attempt: () => Promise<ConnectionTest>): Promise<ConnectionTest> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof MailtideError) || ERRORS[error.code].audience !== 'caller') throw error;
    const { code, message } = error;
    return { ok: false, code, message, hint: imap && hintFor(code, imap), capabilities: [], mailboxes: [] };
  }
}
