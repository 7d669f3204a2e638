import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../mail/maildir.ts';
import type { Certificate } from './certificates.ts';

export type DovecotConfig = {
  folder: string;
  host: string;
  port: number;
  tlsPort: number | undefined;
  certificate: Certificate | undefined;
  password: string;
  capability: string | undefined;
  maxConnections: number;
  mailOwner: Owner;
  settings: string;
};

/** The users that Dovecot, run as root, delegates work to, as Debian's package creates them. */
const DEBIANS = { internal: 'dovecot', group: 'dovecot', login: 'dovenull', chroot: '' };

/** Only root may change users, or lock a process into a directory. */
function myself(): typeof DEBIANS {
  const { username } = userInfo();
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
  return { internal: username, group, login: username, chroot: 'chroot =' };
}

/** The configuration of a Dovecot 2.3 that stays within its own directory and one loopback address. */
export function dovecotConfig(config: DovecotConfig): string {
  const { folder, host, port, tlsPort, certificate, password, capability, maxConnections, mailOwner, settings } =
    config;
  const servants = process.getuid?.() === 0 ? DEBIANS : myself();
  return `
base_dir = ${join(folder, 'run')}
state_dir = ${join(folder, 'state')}
log_path = /dev/stderr
default_internal_user = ${servants.internal}
default_internal_group = ${servants.group}
default_login_user = ${servants.login}
stats_writer_socket_path =
protocols = imap
listen = ${host}
first_valid_uid = 1
disable_plaintext_auth = no
${capability === undefined ? '' : `imap_capability = ${capability}`}
${certificate ? `ssl = yes\nssl_cert = <${certificate.certificateFile}\nssl_key = <${certificate.keyFile}` : 'ssl = no'}

mail_location = maildir:${join(folder, 'mail', '%u')}
mail_fsync = never
namespace inbox {
  inbox = yes
  separator = /
  mailbox Archive {
    special_use = \\Archive
  }
  mailbox Drafts {
    special_use = \\Drafts
  }
  mailbox Junk {
    special_use = \\Junk
  }
  mailbox Sent {
    special_use = \\Sent
  }
  mailbox Trash {
    special_use = \\Trash
  }
}

passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=${mailOwner.uid} gid=${mailOwner.gid} home=${join(folder, 'mail', '%u')} allow_all_users=yes
}

# A wrong password is answered after half a second, which is the least that Dovecot can do. The penalty would make every
# later login from this address wait longer and longer.
auth_failure_delay = 0
service anvil {
  ${servants.chroot}
  client_limit = ${maxConnections + 200}
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}

mail_max_userip_connections = ${maxConnections}
service imap-login {
  ${servants.chroot}
  service_count = 0
  client_limit = ${maxConnections}
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort ?? 0}
    ssl = yes
  }
}
service imap {
  process_limit = ${maxConnections}
}
service auth {
  client_limit = ${maxConnections + 200}
}
${settings}
`;
}
