import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersImap } from './answers-imap.ts';
import { freePort } from './free-port.ts';
import { LIBRARIES, MAIL_OWNER, type MailServer, unpacked } from './mail-servers.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const HOST = '127.0.0.1';
const PASSWORD = 'secret';
const FOLDERS = ['conf', 'conf/db', 'conf/proc', 'conf/lock', 'conf/socket', 'conf/log', 'mail', 'sockets'];

/** A private Cyrus: QRESYNC and OBJECTID. Its users are created at their first login. */
export async function startCyrus(): Promise<MailServer & ServerProcess> {
  const master = unpacked('usr/lib/cyrus/bin/master');
  const folder = mkdtempSync(join(tmpdir(), 'cyrus-'));
  chmodSync(folder, 0o755);
  for (const name of FOLDERS) {
    mkdirSync(join(folder, name));
    chownSync(join(folder, name), MAIL_OWNER.uid, MAIL_OWNER.gid);
  }
  const port = await freePort(HOST);
  const [config, services] = [join(folder, 'imapd.conf'), join(folder, 'cyrus.conf')];
  writeFileSync(config, imapdConf(folder));
  writeFileSync(services, cyrusConf(config, port));
  const authentication = await answerSaslauthd(join(folder, 'sockets/auth'));

  const server = await startServer({
    name: 'Cyrus',
    command: [
      'env',
      `LD_LIBRARY_PATH=${LIBRARIES}`,
      master,
      '-D',
      '-C',
      config,
      '-M',
      services,
      '-p',
      join(folder, 'conf/master.pid'),
    ],
    folder,
    stopSignal: 'QUIT',
    ready: () => answersImap(HOST, port),
  });
  const stop = async () => {
    await server.stop();
    authentication.close();
  };
  return { host: HOST, port, password: PASSWORD, stop, [Symbol.asyncDispose]: stop };
}

const imapdConf = (folder: string) => `
configdirectory: ${folder}/conf
proc_path: ${folder}/conf/proc
mboxname_lockpath: ${folder}/conf/lock
idlesocket: ${folder}/sockets/idle
notifysocket: ${folder}/sockets/notify
lmtpsocket: ${folder}/sockets/lmtp
defaultpartition: default
partition-default: ${folder}/mail
cyrus_user: ${MAIL_OWNER.name}
admins: cyrus
servername: localhost
altnamespace: yes
unixhierarchysep: yes
virtdomains: userid
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: ${folder}/sockets/auth
autocreate_users: anyone
autocreate_quota: 0
conversations: yes
expunge_mode: immediate
skiplist_unsafe: yes
imapidlepoll: 2
`;

const cyrusConf = (config: string, port: number) => `
START {
  recover cmd="${unpacked('usr/lib/cyrus/bin/ctl_cyrusdb')} -C ${config} -r"
}
SERVICES {
  imap cmd="${unpacked('usr/lib/cyrus/bin/imapd')} -C ${config}" listen="${HOST}:${port}" proto="tcp4" prefork=1
}
EVENTS {
}
`;

/** saslauthd(8): user, password, service and realm arrive as strings with their lengths, and so does the answer. */
async function answerSaslauthd(path: string): Promise<Server> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const strings: string[] = [];
      for (let at = 0; at + 2 <= received.length && strings.length < 4; ) {
        const end = at + 2 + received.readUInt16BE(at);
        if (end > received.length) return;
        strings.push(received.subarray(at + 2, end).toString());
        at = end;
      }
      if (strings.length < 4) return;
      const answer = Buffer.from(`..${strings[1] === PASSWORD ? 'OK' : 'NO'}`);
      answer.writeUInt16BE(answer.length - 2);
      socket.end(answer);
    });
  }).listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o777);
  return server.unref();
}
