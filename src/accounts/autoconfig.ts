import { FetchFailed } from '../net/fetch-failed.ts';
import { createPinnedFetch, type PinnedFetch, type PinnedFetchOptions } from '../net/pinned-fetch.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import { imapServer } from './account-input.ts';
import { type AutoconfigFile, type AutoconfigServer, parseAutoconfig } from './parse-autoconfig.ts';
import type { Authentication } from './provider.ts';

/** An IMAP server that a domain's autoconfig file names. Its host is valid, but not checked. */
export interface PublishedServer {
  readonly host: string;
  readonly port: number;
  readonly security: 'TLS' | 'STARTTLS';
  /** Null if it is the email address. */
  readonly username: string | null;
  /** In the order of the file; null if it lists none. */
  readonly authentication: readonly Authentication[] | null;
  readonly oauth: OAuthParameters | null;
}

/** Where to get a token, as the domain states it. */
export interface OAuthParameters {
  readonly issuer: string;
  readonly scopes: readonly string[];
}

/** The largest file of Thunderbird's database has 9 kB. */
const MAX_BYTES = 64 * 1024;
const MAX_ISSUER = 255;
const MAX_SCOPES = 50;

export type HttpsOptions = Pick<PinnedFetchOptions, 'ca' | 'dial'>;

/** @param timeoutMs limit of each file */
export const autoconfigFetch = (policy: HostPolicy, timeoutMs: number, https: HttpsOptions = {}): PinnedFetch =>
  createPinnedFetch({ ...https, policy, timeoutMs, maxBytes: MAX_BYTES });

/**
 * Returns the IMAP servers from a domain's own autoconfig files, in their order of preference: those of the first file
 * that has any. Asks where Thunderbird asks, but only over HTTPS, and sends the address to the first place only.
 */
export async function publishedServers(
  emailAddress: string,
  domain: string,
  fetch: PinnedFetch,
  signal: AbortSignal,
): Promise<readonly PublishedServer[]> {
  const files = [
    `https://autoconfig.${domain}/mail/config-v1.1.xml?emailaddress=${encodeURIComponent(emailAddress)}`,
    `https://${domain}/.well-known/autoconfig/mail/config-v1.1.xml`,
  ].map((url) => readFile(url, fetch, signal));
  // Otherwise the rejection of a file that nobody awaits any more would end the process.
  void Promise.allSettled(files);
  for (const file of files) {
    const found = serversOf(await file, emailAddress);
    if (found.length > 0) return found;
  }
  return [];
}

async function readFile(url: string, fetch: PinnedFetch, signal: AbortSignal): Promise<AutoconfigFile | null> {
  try {
    const headers = { accept: 'application/xml, text/xml', 'user-agent': 'Mailtide' };
    const answer = await fetch(url, { redirect: 'follow', headers, signal });
    return answer.status === 200 ? parseAutoconfig(await answer.text()) : null;
  } catch (error) {
    if (error instanceof FetchFailed || signal.aborted) return null;
    throw error;
  }
}

function serversOf(file: AutoconfigFile | null, emailAddress: string): PublishedServer[] {
  if (!file) return [];
  const oauth = oauthOf(file);
  return file.servers.flatMap((server) => {
    const authentication = authenticationOf(server);
    const security = securityOf(server);
    if (!security || authentication?.length === 0) return [];
    const valid = imapServer.safeParse({
      host: expand(server.hostname[0] ?? '', emailAddress),
      port: Number(server.port[0]),
      security,
      username: usernameOf(server, emailAddress),
    });
    if (!valid.success) return [];
    const { host, port, username } = valid.data;
    return [
      {
        host,
        port,
        security,
        username: username === emailAddress ? null : username,
        authentication,
        oauth: authentication?.includes('OAUTH2') ? oauth : null,
      },
    ];
  });
}

/** Of several ways to connect, the first that is encrypted; undefined if none is. */
const securityOf = ({ socketType }: AutoconfigServer): PublishedServer['security'] | undefined =>
  socketType.map((type) => ({ SSL: 'TLS' as const, STARTTLS: 'STARTTLS' as const })[type]).find(Boolean);

/** Names of the format, and those of its first version. */
const AUTHENTICATION: ReadonlyMap<string, Authentication> = new Map([
  ['OAuth2', 'OAUTH2'],
  ['password-cleartext', 'PASSWORD'],
  ['plain', 'PASSWORD'],
  ['password-encrypted', 'PASSWORD'],
  ['secure', 'PASSWORD'],
]);

/** Returns null if the file lists nothing, and an empty list if it lists only what Mailtide cannot do. */
function authenticationOf({ authentication }: AutoconfigServer): readonly Authentication[] | null {
  if (authentication.length === 0) return null;
  return [...new Set(authentication.flatMap((name) => AUTHENTICATION.get(name) ?? []))];
}

function oauthOf({ oauth: { issuer, scope } }: AutoconfigFile): OAuthParameters | null {
  if (issuer === '' || issuer.length > MAX_ISSUER) return null;
  return { issuer, scopes: scope.split(/\s+/).filter(Boolean).slice(0, MAX_SCOPES) };
}

/** Returns null for a name with a placeholder that an address does not fill, such as `%REALNAME%`. */
function usernameOf({ username: [name = ''] }: AutoconfigServer, emailAddress: string): string | null {
  return PLACEHOLDER.test(name.replaceAll(KNOWN_PLACEHOLDER, '')) ? null : expand(name, emailAddress);
}

const PLACEHOLDER = /%[A-Z]+%/;
const KNOWN_PLACEHOLDER = /%EMAIL(ADDRESS|LOCALPART|DOMAIN)%/g;

/** Expands each placeholder once, so that a placeholder in the address itself stays as it is. */
function expand(text: string, emailAddress: string): string {
  const at = emailAddress.lastIndexOf('@');
  return text.replaceAll(KNOWN_PLACEHOLDER, (_, part: string) =>
    part === 'ADDRESS' ? emailAddress : part === 'LOCALPART' ? emailAddress.slice(0, at) : emailAddress.slice(at + 1),
  );
}
