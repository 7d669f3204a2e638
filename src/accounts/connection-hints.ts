import type { ErrorCode } from '../errors.ts';
import type { ImapServer } from './account-input.ts';
import { providerOfServer } from './providers.ts';

/** Why Exchange accepts a login and then opens no mailbox. */
const MICROSOFT_ACCESS =
  'Microsoft 365: an administrator enables IMAP in the admin centre (the user, Mail, Manage email apps), which takes up to half an hour. Outlook.com: enable it under Settings, Mail, Forwarding and IMAP. For a shared mailbox, the user who logs in needs full access to it.';

/** Returns what to try next if the server's address suggests more than the error's sentence, else null. */
export function hintFor(code: ErrorCode, { host, port, security }: ImapServer): string | null {
  switch (code) {
    case 'IMAP_AUTH_FAILED':
    case 'IMAP_AUTH_UNSUPPORTED':
      return providerOfServer(host)?.loginHint ?? null;
    case 'MAILBOX_NOT_ACCESSIBLE':
      return providerOfServer(host)?.name === 'Outlook' ? MICROSOFT_ACCESS : null;
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

/** A web server sends nothing before an HTTP request, so it looks like a mail server without a greeting. */
const WEB_PORTS = new Set([80, 443, 8080, 8443]);

/** Ports that users confuse. The first two belong to one security setting each (RFC 8314, RFC 9051 2.1). */
function portHint(port: number, security: ImapServer['security']): string | null {
  if (port === 993 && security !== 'TLS') return 'Port 993 uses TLS from the first byte. Set security to TLS.';
  if (port === 143 && security === 'TLS')
    return 'Port 143 starts without TLS. Set security to STARTTLS, or use port 993.';
  if (port === 995 || port === 110) return `Port ${port} is for POP3. Use port 993 with TLS for IMAP.`;
  if (WEB_PORTS.has(port)) return `Port ${port} is for web pages. Use port 993 with TLS for IMAP.`;
  if (port === 465 || port === 587 || port === 25)
    return `Port ${port} is for sending mail. Use port 993 with TLS for IMAP.`;
  return null;
}
