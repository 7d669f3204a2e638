import type { ImapFlowOptions } from 'imapflow';
import ipaddr from 'ipaddr.js';
import manifest from '../../package.json' with { type: 'json' };
import { type ImapLimits, searchLimit } from './answer-limits.ts';
import type { ImapLogin } from './connection.ts';
import type { ImapDeadlines } from './deadlines.ts';

/**
 * imapflow ends a connection that is quiet for this long between two commands, in milliseconds. Servers keep one for 30
 * minutes (RFC 9051, 5.4), and a batch may take long to commit. src/imap/deadlines.ts watches silence during a command.
 */
const QUIET_BETWEEN_COMMANDS_MS = 30 * 60 * 1000;

/** Returns the options of imapflow for a login that follow from the protocol and from known servers. */
export function flowOptions(
  login: ImapLogin,
  deadlines: ImapDeadlines,
  limits: ImapLimits,
  tls: { ca?: string } = {},
): ImapFlowOptions {
  const lineBytes = searchLimit(limits.mailboxMessages).bytes;
  return {
    host: login.host,
    port: login.port,
    secure: login.security === 'TLS',
    // Never undefined: imapflow would then use clear text if the server offers no STARTTLS
    // (docs/decisions/0025-tls-is-verified.md).
    ...(login.security === 'TLS' ? {} : { doSTARTTLS: login.security === 'STARTTLS' }),
    tls,
    auth:
      'password' in login.credentials
        ? { user: login.username, pass: login.credentials.password }
        : { user: login.username, accessToken: login.credentials.accessToken },
    // iCloud's VANISHED answers are malformed: old mail seems to disappear (Mailspring-Sync, PR 91).
    qresync: !/(^|\.)(icloud|me|mac)\.com$/i.test(login.host),
    // imapflow truncates ESEARCH answers, which IMAP4rev2 brings, at the count of EXISTS.
    disableIMAP4rev2: true,
    disableAutoIdle: true,
    disableCompression: isLoopback(login.addresses?.[0] ?? login.host),
    // The longest line is the answer to SEARCH.
    maxLineLength: lineBytes,
    // A literal is held in memory as a whole, so a larger one ends the connection.
    maxLiteralSize: limits.messageBytes,
    // Larger than a literal, because its line and framing count too.
    maxResponseSize: limits.messageBytes + lineBytes,
    maxResponseTokens: limits.tokens,
    connectionTimeout: deadlines.connectMs,
    greetingTimeout: deadlines.greetingMs,
    socketTimeout: QUIET_BETWEEN_COMMANDS_MS,
    clientInfo: { name: 'Mailtide', version: manifest.version, vendor: 'Mailtide', 'support-url': false },
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
