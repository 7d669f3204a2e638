import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where scripts/install-servers.sh unpacks the servers whose Debian packages conflict with Dovecot's. */
const UNPACKED = '/var/cache/mailtide-test-servers';

/** A mail server of any kind. */
export type MailServer = {
  readonly host: string;
  readonly port: number;
  /** The single password of every user. */
  readonly password: string;
};

/** A program of such a server. */
export function unpacked(path: string): string {
  const program = join(UNPACKED, path);
  if (!existsSync(program)) throw new Error(`${program} is needed: sh scripts/setup.sh --servers, as root`);
  return program;
}

export const LIBRARIES = ['usr/lib', 'usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib/courier-authlib']
  .map((path) => join(UNPACKED, path))
  .join(':');

/** The owner of the mail: a user that exists everywhere, and not root, which neither server accepts. */
export const MAIL_OWNER = { name: 'nobody', uid: 65_534, gid: 65_534 };
