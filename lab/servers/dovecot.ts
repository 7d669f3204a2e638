import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LaidDownMail, layDown, type Owner } from '../mail/maildir.ts';
import { answersImap } from './answers-imap.ts';
import { type CertificateKind, createCertificate } from './certificates.ts';
import { dovecotConfig } from './dovecot-config.ts';
import { type OAuthPassdb, oauthSettings } from './dovecot-oauth.ts';
import { freePort } from './free-port.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const run = promisify(execFile);

export type DovecotOptions = {
  /** The single password of every user. */
  password?: string;
  /** The advertised capabilities, to imitate simpler servers. It still accepts everything that it supports. */
  capability?: string;
  /** Offers STARTTLS on `port` and TLS on `tlsPort`, with a certificate of this kind. */
  certificate?: CertificateKind;
  /** Dovecot trusts 127.0.0.1 without TLS. 127.0.0.2 is remote to it if `settings` disable plain logins. */
  host?: string;
  /** Settings for the whole server and for each user. */
  maxConnections?: number;
  /** Accepts the access tokens of this provider, as well as the password. */
  oauth?: OAuthPassdb;
  /** Additional lines for its configuration file. */
  settings?: string;
};

/** Everything that another process needs to use a running Dovecot. */
export type DovecotCoordinates = {
  host: string;
  port: number;
  tlsPort: number | undefined;
  /** PEM of the authority that signed the certificate. */
  authority: string | undefined;
  password: string;
  folder: string;
};

export type Mailboxes = Record<string, Iterable<LaidDownMail>>;

export type Dovecot = DovecotCoordinates & {
  /** Creates a user with these mailboxes; the messages of each get the UIDs 1, 2, 3... */
  addUser(user: string, mailboxes?: Mailboxes): void;
  /** Delivers more mail to a mailbox, which is created if it does not exist. */
  deliver(user: string, path: string, mails: Iterable<LaidDownMail>): void;
  /** Runs doveadm on this server, and returns its output. */
  doveadm(...args: string[]): Promise<string>;
};

export async function startDovecot(options: DovecotOptions = {}): Promise<Dovecot & ServerProcess> {
  await requireDovecot();
  const { host = '127.0.0.1', password = 'secret', capability, maxConnections = 100, oauth, settings = '' } = options;
  // Directly below the temporary directory: it contains unix sockets, whose paths are limited to 107 characters.
  const folder = mkdtempSync(join(tmpdir(), 'dovecot-'));
  chmodSync(folder, 0o755);
  const mailOwner = owner();
  mkdirSync(join(folder, 'mail'));
  chownSync(join(folder, 'mail'), mailOwner.uid, mailOwner.gid);

  const certificate = options.certificate && createCertificate(join(folder, 'tls'), options.certificate);
  const port = await freePort(host);
  const tlsPort = certificate && (await freePort(host));
  const config = {
    folder,
    host,
    port,
    tlsPort,
    certificate,
    password,
    capability,
    maxConnections,
    mailOwner,
    settings: `${oauth ? oauthSettings(join(folder, 'oauth'), oauth) : ''}${settings}`,
  };
  writeFileSync(configFile(folder), dovecotConfig(config));

  const server = await startServer({
    name: 'Dovecot',
    command: ['/usr/sbin/dovecot', '-F', '-c', configFile(folder)],
    folder,
    // An orderly stop waits a second for the log, and nothing here is worth keeping.
    stopSignal: 'KILL',
    ready: () => answersImap(host, port),
  });
  return { ...dovecotAt({ host, port, tlsPort, authority: certificate?.authority, password, folder }), ...server };
}

/** A Dovecot that another process started and will stop. */
export function dovecotAt(coordinates: DovecotCoordinates): Dovecot {
  const maildir = (user: string) => join(coordinates.folder, 'mail', user);
  return {
    ...coordinates,
    addUser(user, mailboxes = {}) {
      if (existsSync(maildir(user))) throw new Error(`The user ${user} is there already`);
      for (const [path, mails] of Object.entries({ INBOX: [], ...mailboxes })) {
        layDown(maildir(user), path, mails, owner());
      }
    },
    deliver(user, path, mails) {
      layDown(maildir(user), path, mails, owner());
    },
    async doveadm(...args) {
      const { stdout } = await run('/usr/bin/doveadm', ['-c', configFile(coordinates.folder), ...args]);
      return stdout;
    },
  };
}

const configFile = (folder: string) => join(folder, 'dovecot.conf');

/** Dovecot requires a user other than root to own the mail; nobody exists everywhere. */
function owner(): Owner {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid && gid ? { uid, gid } : { uid: 65_534, gid: 65_534 };
}

async function requireDovecot(): Promise<void> {
  const version = await run('/usr/sbin/dovecot', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => 'none',
  );
  if (!version.startsWith('2.3.')) {
    throw new Error(`Dovecot 2.3 is needed and ${version} is installed: sh scripts/setup.sh --servers`);
  }
}
