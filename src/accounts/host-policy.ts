import type { ConnectionSecurity } from '../domain/imap-types.ts';
import { type ErrorCode, MailtideError } from '../errors.ts';
import { toImapError } from '../imap/errors.ts';
import { canonicalHost, reachOf } from '../net/addresses.ts';
import { type CheckedHost, type HostPolicy, resolveHost } from '../net/resolve-host.ts';

/**
 * Resolves a host and keeps the addresses that `policy` allows. The connection must use these addresses and not resolve
 * the name again, because the answer may differ by then (DNS rebinding).
 * @throws BAD_USER_INPUT for an invalid host name; IMAP_HOST_NOT_FOUND, IMAP_NAME_LOOKUP_FAILED; HOST_NOT_ALLOWED or
 *   IMAP_CLEARTEXT_NOT_ALLOWED if no address is left; RUN_CANCELLED if `signal` aborts
 */
export async function checkHost(
  hostInput: string,
  security: ConnectionSecurity,
  policy: HostPolicy,
  signal?: AbortSignal,
): Promise<CheckedHost> {
  const host = canonicalHost(hostInput);
  if (host === null) throw new MailtideError('BAD_USER_INPUT', { message: 'imap.host: is not a host name.' });
  const found = await resolveHost(host, policy, signal).catch((error: unknown) => {
    throw signal?.aborted ? new MailtideError('RUN_CANCELLED') : toImapError(error, 'connect');
  });
  const refusals = found.map((address) => refusalOf(address, security, policy));
  const addresses = found.filter((_, i) => refusals[i] === null);
  if (addresses.length === 0) throw new MailtideError(refusals[0] ?? 'IMAP_HOST_NOT_FOUND');
  return { host, addresses };
}

/** Returns why no connection to `address` is allowed, or null. */
function refusalOf(address: string, security: ConnectionSecurity, { allowPrivateHosts }: HostPolicy): ErrorCode | null {
  const reach = reachOf(address);
  if (reach === 'PRIVATE') return allowPrivateHosts ? null : 'HOST_NOT_ALLOWED';
  if (reach === 'FORBIDDEN') return 'HOST_NOT_ALLOWED';
  return security === 'NONE' ? 'IMAP_CLEARTEXT_NOT_ALLOWED' : null;
}
