import { ERRORS, type ErrorCode, MailtideError } from '../errors.ts';
import type { ImapDeadlines } from '../imap/deadlines.ts';
import type { OpenImapOptions } from '../imap/open-connection.ts';
import type { ImapServer } from './account-input.ts';
import { type ConnectionInput, connection, parseInput } from './account-input.ts';
import { hintFor } from './connection-hints.ts';
import type { Credentials } from './credentials.ts';
import { checkHost, type HostPolicy } from './host-policy.ts';

export interface ConnectionTest {
  readonly ok: boolean;
  /** Null when it worked. */
  readonly code: ErrorCode | null;
  readonly message: string;
  /** What to try next, where more is known. */
  readonly hint: string | null;
  readonly capabilities: readonly string[];
  /** Paths, in the order of a sync. */
  readonly mailboxes: readonly string[];
}

/** How a person who waits wants it; a sync is more patient. */
const DEADLINES: Partial<ImapDeadlines> = { connectMs: 10_000, greetingMs: 10_000, loginMs: 20_000, silenceMs: 20_000 };
/** For the whole test, its turn and the look-up of the name too, whatever the server says meanwhile. Milliseconds. */
const WHOLE_TEST_MS = 30_000;

export interface TestOptions extends OpenImapOptions {
  /** Runs the test when it may begin; at once when absent. */
  readonly inTurn?: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
  /** For the whole test, in milliseconds. */
  readonly wholeMs?: number;
}

/** Where and as whom to try it, all of it checked. */
export interface ConnectionAttempt {
  readonly imap: ImapServer;
  readonly username: string;
  readonly credentials: Credentials;
}

/**
 * Connects, logs in, lists the mailboxes, logs out.
 * Whatever a caller can act on is an answer, wrong input too; only what is our own fault rejects.
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

/** The same for input that has been checked. */
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
  // Only now: a process that serves the API alone loads nothing of IMAP before somebody connects a mailbox.
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
