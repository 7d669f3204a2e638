import type { ErrorCode } from '../errors.ts';
import type { ImapServer } from './account-input.ts';
import { providerOfServer } from './providers.ts';

/** What to try next, where more is known than the sentence of the error says. */
export function hintFor(code: ErrorCode, { host, port, security }: ImapServer): string | null {
  switch (code) {
    case 'IMAP_AUTH_FAILED':
    case 'IMAP_AUTH_UNSUPPORTED':
      return providerOfServer(host)?.loginHint ?? null;
    case 'IMAP_TLS_FAILED':
    case 'IMAP_NO_GREETING':
    case 'IMAP_NOT_IMAP':
    case 'IMAP_STARTTLS_UNAVAILABLE':
    case 'IMAP_UNREACHABLE':
    case 'IMAP_TIMEOUT':
      return portHint(port, security);
    default:
      return null;
  }
}

/** A web server says nothing before it is asked in its own language: it looks like a mail server that is silent. */
const WEB_PORTS = new Set([80, 443, 8080, 8443]);

/** Ports that people mix up; the first two belong to one setting each (RFC 8314, RFC 9051 2.1). */
function portHint(port: number, security: ImapServer['security']): string | null {
  if (port === 993 && security !== 'TLS') return 'Port 993 speaks TLS from the first byte: set security to TLS.';
  if (port === 143 && security === 'TLS')
    return 'Port 143 begins without TLS: set security to STARTTLS, or use port 993.';
  if (port === 995 || port === 110) return `Port ${port} is for POP3: IMAP is on port 993 with TLS.`;
  if (WEB_PORTS.has(port)) return `Port ${port} is for web pages: IMAP is on port 993 with TLS.`;
  if (port === 465 || port === 587 || port === 25)
    return `Port ${port} is for sending mail: IMAP is on port 993 with TLS.`;
  return null;
}
