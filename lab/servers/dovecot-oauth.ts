import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A provider whose access tokens Dovecot accepts in place of a password. */
export type OAuthPassdb = {
  /** `local`: Dovecot verifies the signature of a token. `introspection`: it asks the provider (RFC 7662). */
  readonly validation: 'local' | 'introspection';
  readonly issuer: string;
  /** The scope that a token must have. */
  readonly scope: string;
  /** The claim, or the field of the introspection, that must equal the user name. */
  readonly usernameAttribute: string;
  readonly key?: { readonly algorithm: string; readonly keyId: string; readonly publicPem: string };
  readonly introspection: {
    readonly url: string;
    readonly client: { readonly id: string; readonly secret: string };
    readonly ca: string;
  };
  /** By default, both. */
  readonly mechanisms?: readonly ('oauthbearer' | 'xoauth2')[];
};

/** Writes the files of the passdb, and returns the lines that Dovecot's configuration needs. */
export function oauthSettings(folder: string, passdb: OAuthPassdb): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'oauth2.conf.ext');
  const { validation, issuer, scope, usernameAttribute, mechanisms = ['oauthbearer', 'xoauth2'] } = passdb;
  const lines = validation === 'local' ? local(folder, passdb) : introspection(folder, passdb);
  writeFileSync(
    file,
    `${lines}
issuers = ${issuer}
scope = ${scope}
username_attribute = ${usernameAttribute}
username_format = %Lu
`,
  );
  return `
auth_mechanisms = plain ${mechanisms.join(' ')}
passdb {
  driver = oauth2
  mechanisms = ${mechanisms.join(' ')}
  args = ${file}
}
`;
}

/** Dovecot reads the key of a token from <azp>/<alg>/<kid>, or `default` for a claim that the token lacks. */
function local(folder: string, { key }: OAuthPassdb): string {
  if (!key) throw new Error('Local validation needs the key of the provider');
  const keys = join(folder, 'keys');
  mkdirSync(join(keys, 'default', key.algorithm), { recursive: true });
  writeFileSync(join(keys, 'default', key.algorithm, key.keyId), key.publicPem);
  return `introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${keys}/`;
}

function introspection(folder: string, { introspection: { url, client, ca } }: OAuthPassdb): string {
  const address = new URL(url);
  address.username = client.id;
  address.password = client.secret;
  const authority = join(folder, 'ca.pem');
  writeFileSync(authority, ca);
  return `introspection_mode = post
introspection_url = ${address.href}
force_introspection = yes
active_attribute = active
active_value = true
tls_ca_cert_file = ${authority}`;
}
