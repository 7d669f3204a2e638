import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type CertificateKind = 'valid' | 'expired' | 'wrong-host';
export type Certificate = { certificateFile: string; keyFile: string; authority: string };

const LOOPBACK = ['DNS:localhost', 'IP:127.0.0.1', 'IP:127.0.0.2'];

const DATES = {
  past: ['20200101000000Z', '20200201000000Z'],
  present: ['20200101000000Z', '20991231235959Z'],
} as const;

/**
 * A server certificate from a new certificate authority; `authority` is its PEM, for clients to trust. Signed with
 * `openssl ca`, the only openssl command that takes both dates in every version.
 * @param names what it is valid for, e.g. `DNS:mail.example.com`
 */
export function createCertificate(
  folder: string,
  kind: CertificateKind,
  names: readonly string[] = LOOPBACK,
): Certificate {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  writeFileSync(join(folder, 'issued.txt'), '');
  writeFileSync(join(folder, 'openssl.cnf'), configuration(kind === 'wrong-host' ? ['DNS:mail.example.net'] : names));
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-config',
    'openssl.cnf',
    '-extensions',
    'authority',
    '-subj',
    '/CN=Test authority',
    '-days',
    '3650',
    '-keyout',
    'authority.key',
    '-out',
    'authority.pem',
  );
  openssl(
    'req',
    ...newKey,
    '-config',
    'openssl.cnf',
    '-subj',
    '/CN=Test server',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  const [notBefore, notAfter] = kind === 'expired' ? DATES.past : DATES.present;
  openssl(
    'ca',
    '-batch',
    '-notext',
    '-config',
    'openssl.cnf',
    '-startdate',
    notBefore,
    '-enddate',
    notAfter,
    '-in',
    'server.csr',
    '-out',
    'server.pem',
  );

  return {
    certificateFile: join(folder, 'server.pem'),
    keyFile: join(folder, 'server.key'),
    authority: readFileSync(join(folder, 'authority.pem'), 'utf8'),
  };
}

function configuration(names: readonly string[]): string {
  return `
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = ${names.join(',')}
[ca]
default_ca = test
[test]
database = issued.txt
rand_serial = yes
new_certs_dir = .
certificate = authority.pem
private_key = authority.key
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
`;
}
