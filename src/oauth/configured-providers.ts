import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CONNECTION_SECURITIES } from '../domain/imap-types.ts';
import { canonicalHost } from '../net/addresses.ts';
import { type PresetId, presetOf } from './presets.ts';
import type { OAuthProvider } from './provider.ts';

export interface OAuthSettings {
  readonly OAUTH_GOOGLE_CLIENT_ID?: string | undefined;
  readonly OAUTH_GOOGLE_CLIENT_SECRET?: string | undefined;
  readonly OAUTH_MICROSOFT_CLIENT_ID?: string | undefined;
  readonly OAUTH_MICROSOFT_CLIENT_SECRET?: string | undefined;
  readonly OAUTH_MICROSOFT_TENANT: string;
  /** A JSON file with a list of providers (docs/providers.md). */
  readonly OAUTH_PROVIDERS?: string | undefined;
}

const PRESETS = ['google', 'microsoft', 'yahoo', 'aol', 'fastmail', 'yandex', 'mailru'] as const satisfies PresetId[];

const https = z.url({ protocol: /^https$/, error: 'must be an https URL' });
const word = z.string().min(1).max(2048);
const host = z.string().transform((value, context) => {
  const name = canonicalHost(value);
  if (name !== null) return name;
  context.addIssue({ code: 'custom', message: 'is not a host name' });
  return z.NEVER;
});

const client = { clientId: word, clientSecret: word };
const ofPreset = z.strictObject({ preset: z.enum(PRESETS), tenant: word.optional(), ...client });
const custom = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a short name like "keycloak"'),
  name: word.max(60),
  issuer: https,
  /** Where the metadata is: OpenID Connect Discovery 1.0, or RFC 8414. */
  metadata: z.enum(['openid', 'oauth']).default('openid'),
  ...client,
  scopes: z.array(word).min(1).max(20),
  mailScope: word,
  parameters: z.record(word, z.string().max(2048)).default({}),
  imap: z.strictObject({
    host,
    port: z.int().min(1).max(65_535).default(993),
    security: z.enum(CONNECTION_SECURITIES).default('TLS'),
  }),
  domains: z.array(host).max(1000).default([]),
});
const file = z.array(z.union([ofPreset, custom])).max(100);

/**
 * Returns the providers of the settings, each with an id of its own. Those of the file come after those of the
 * environment.
 * @throws Error of one line that names the setting and its fault, and never quotes the file, which contains secrets
 */
export function configuredProviders(settings: OAuthSettings): OAuthProvider[] {
  const { OAUTH_PROVIDERS: path, OAUTH_MICROSOFT_TENANT: tenant } = settings;
  const providers = [
    ...ofEnvironment('google', 'OAUTH_GOOGLE', settings.OAUTH_GOOGLE_CLIENT_ID, settings.OAUTH_GOOGLE_CLIENT_SECRET),
    ...ofEnvironment(
      'microsoft',
      'OAUTH_MICROSOFT',
      settings.OAUTH_MICROSOFT_CLIENT_ID,
      settings.OAUTH_MICROSOFT_CLIENT_SECRET,
      tenant,
    ),
    ...(path === undefined ? [] : ofFile(path)),
  ];
  const double = providers.find(({ id }, at) => providers.findIndex((other) => other.id === id) < at);
  if (double) throw new Error(`Setting OAUTH_PROVIDERS: the provider "${double.id}" is configured twice`);
  return providers;
}

function ofEnvironment(
  preset: PresetId,
  prefix: string,
  clientId: string | undefined,
  clientSecret: string | undefined,
  tenant?: string,
): OAuthProvider[] {
  if (clientId === undefined && clientSecret === undefined) return [];
  if (clientId === undefined) throw new Error(`Setting ${prefix}_CLIENT_ID: is required with ${prefix}_CLIENT_SECRET`);
  if (clientSecret === undefined)
    throw new Error(`Setting ${prefix}_CLIENT_SECRET: is required with ${prefix}_CLIENT_ID`);
  return [{ ...presetOf(preset, tenant), clientId, clientSecret }];
}

function ofFile(path: string): OAuthProvider[] {
  const parsed = file.safeParse(readJson(path));
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    throw new Error(`Setting OAUTH_PROVIDERS: ${[path, ...at.map(String)].join(' ')}: ${message}`);
  }
  return parsed.data.map((entry): OAuthProvider => {
    if ('preset' in entry) {
      const { preset, tenant, ...registered } = entry;
      return { ...presetOf(preset, tenant), ...registered };
    }
    const { issuer, metadata, ...rest } = entry;
    return { ...rest, server: { issuer, metadata }, sendsScopeOnRefresh: false, adminConsentEndpoint: null };
  });
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`Setting OAUTH_PROVIDERS: ${path} cannot be read (${code})`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    throw new Error(`Setting OAUTH_PROVIDERS: ${path} is not valid JSON`);
  }
}
