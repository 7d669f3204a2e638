import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersImap } from './answers-imap.ts';
import { freePort } from './free-port.ts';
import { LIBRARIES, MAIL_OWNER, type MailServer, unpacked } from './mail-servers.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const HOST = '127.0.0.1';
const PASSWORD = 'secret';

const SETTINGS = {
  LD_LIBRARY_PATH: LIBRARIES,
  IMAP_CAPABILITY: 'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE',
  IMAP_KEYWORDS: '1',
  IMAP_ENHANCEDIDLE: '0',
  IMAP_USELOCKS: '1',
  IMAP_EMPTYTRASH: '',
  IMAP_TRASHFOLDERNAME: 'Trash',
};

/** A private Courier: neither CONDSTORE nor QRESYNC, "." as the delimiter, every mailbox below INBOX. */
export async function startCourier(): Promise<MailServer & ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'courier-'));
  chmodSync(folder, 0o755);
  const sockets = join(folder, 'run/courier/authdaemon');
  for (const path of [sockets, join(folder, 'mail')]) mkdirSync(path, { recursive: true });
  const port = await freePort(HOST);
  const authentication = await answerAuthdaemon(join(sockets, 'socket'), (user) =>
    makeMaildir(join(folder, 'mail', user)),
  );

  const daemon = [
    unpacked('usr/sbin/couriertcpd'),
    `-address=${HOST}`,
    '-nodnslookup',
    '-noidentlookup',
    '-maxprocs=100',
    '-maxperip=100',
    String(port),
    unpacked('usr/lib/courier/courier/imaplogin'),
    unpacked('usr/bin/imapd'),
    'Maildir',
  ];
  const server = await startServer({
    name: 'Courier',
    // Its path to the authentication socket is compiled in, below /run, so it gets its own /run. In its own pid
    // namespace, processes that its sessions leave behind, such as the watcher of files for IDLE, end with it.
    command: [
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      'env',
      ...Object.entries(SETTINGS).map(([name, value]) => `${name}=${value}`),
      'sh',
      '-c',
      'mount --bind "$0" /run && exec "$@"',
      join(folder, 'run'),
      ...daemon,
    ],
    folder,
    stopSignal: 'KILL',
    ready: () => answersImap(HOST, port),
  });
  const stop = async () => {
    await server.stop();
    authentication.close();
  };
  return { host: HOST, port, password: PASSWORD, stop, [Symbol.asyncDispose]: stop };
}

function makeMaildir(home: string): string {
  for (const path of ['', 'Maildir', 'Maildir/cur', 'Maildir/new', 'Maildir/tmp']) {
    mkdirSync(join(home, path), { recursive: true });
    chownSync(join(home, path), MAIL_OWNER.uid, MAIL_OWNER.gid);
  }
  return home;
}

/** authdaemond: `AUTH length`, then service, `login`, user and password in lines; the answer describes the user. */
async function answerAuthdaemon(path: string, homeOf: (user: string) => string): Promise<Server> {
  const server = createServer((socket) => {
    let received = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      const asked = /^AUTH \d+\n[^\n]*\nlogin\n([^\n]*)\n([^\n]*)\n/m.exec(received);
      if (!asked) return;
      const [, user = '', password] = asked;
      if (password !== PASSWORD) return void socket.end('FAIL\n');
      const { uid, gid } = MAIL_OWNER;
      const account = { ADDRESS: user, UID: uid, GID: gid, HOME: homeOf(user) };
      const lines = Object.entries(account).map(([name, value]) => `${name}=${value}\n`);
      socket.end(`${lines.join('')}.\n`);
    });
  }).listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o777);
  return server.unref();
}
