import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type ScriptedImap, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { redactorFor } from '../../src/imap/redact.ts';
import { loginTo, SHORT } from './scripted-mailbox.ts';

const PASSWORDS = [
  'correct horse',
  'qu"ot\\edSecret',
  'Schlüsselwörter',
  'пароль-секрет',
  '合言葉合言葉合言葉',
  'a+b&c=d%41secret',
  '{12}secret-literal',
  'emoji🔑secret',
  '.*(a|b)$secret',
];

const utf16 = (text: string) => Buffer.from(text, 'utf16le').swap16();
const utf7 = (text: string, shift: string) =>
  text
    .replaceAll(shift, `${shift}-`)
    .replace(/[^\x20-\x7e]+/g, (run) => `${shift}${utf16(run).toString('base64').replace(/=+$/, '')}-`);

/** How a server may spell a password that it repeats. */
const SPELLINGS: Record<string, (password: string) => string> = {
  'as it is': (text) => text,
  'in capitals': (text) => text.toUpperCase(),
  quoted: (text) => `"${text.replace(/["\\]/g, '\\$&')}"`,
  'quoted twice': (text) => JSON.stringify(`"${text.replace(/["\\]/g, '\\$&')}"`).slice(1, -1),
  'a literal': (text) => `{${Buffer.byteLength(text)}}\r\n${text}`,
  'UTF-8 read as Latin-1': (text) => Buffer.from(text).toString('latin1'),
  decomposed: (text) => text.normalize('NFD'),
  'base64 of the PLAIN response': (text) => Buffer.from(`\0ann\0${text}`).toString('base64'),
  'base64 with text around it': (text) => Buffer.from(`your password is ${text}, is it not`).toString('base64'),
  'base64 glued to other letters': (text) => `x${Buffer.from(text).toString('base64')}`,
  'base64 for addresses': (text) => Buffer.from(text).toString('base64url'),
  'UTF-7': (text) => utf7(text, '+'),
  'modified UTF-7': (text) => utf7(text, '&').replaceAll('/', ','),
  percent: (text) => encodeURIComponent(text),
  'quoted-printable': (text) =>
    Buffer.from(text)
      .toString('latin1')
      .replace(/[^\x20-\x3c\x3e-\x7e]/g, (sign) => `=${sign.charCodeAt(0).toString(16).toUpperCase()}`),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
};

describe('redactorFor', () => {
  test.each(Object.entries(SPELLINGS))('hides a password in a text, %s', (_, spell) => {
    for (const password of PASSWORDS) {
      const redact = redactorFor({ ...loginTo({ host: 'h', port: 1 }), credentials: { password } });
      const spelled = spell(password).replace(/^\{\d+\}\r\n/, '');
      const text = redact(`NO no such user <${spelled}> here`);
      expect(text).not.toContain(spelled);
      expect(text).toContain('NO no such user');
    }
  });
});

describe('the log of a connection', () => {
  let server: ScriptedImap | undefined;
  afterEach(async () => {
    await server?.stop();
  });

  const ROT13 = (text: string) =>
    text.replace(/[a-z]/g, (c) => String.fromCharCode(((c.charCodeAt(0) - 84) % 26) + 97));

  test.each(['IMAP4rev1', 'IMAP4rev1 AUTH=PLAIN LOGINDISABLED'])(
    'hides the login from a server that repeats it in its own spelling (%s)',
    async (capability) => {
      for (const password of PASSWORDS) {
        const echoes = [...Object.values(SPELLINGS), ROT13].map((spell) => spell(password));
        const lines: unknown[] = [];
        let tag = '';
        server = await startScriptedImap({
          greeting: '* OK ready',
          capability,
          reply: (received) => {
            if (received.command === 'AUTHENTICATE') {
              tag = received.tag;
              return '+ ';
            }
            if (received.command === 'LOGIN') tag = received.tag;
            else if (!tag) return undefined;
            const said = echoes.flatMap((echo) => [`* OK ${echo}`, `* NO [ALERT] ${echo}`, `* X ${echo}`]);
            return [`* ${received.line}`, ...said, `${tag} NO [AUTHENTICATIONFAILED] refused`].join('\r\n');
          },
        });
        const logger = { debug: (entry: object, message?: string) => lines.push([entry, message]) };
        const login = loginTo(server, { credentials: { password } });
        const error: unknown = await openImapConnection(login, { logger, deadlines: SHORT }).catch((e) => e);
        expect(error).toMatchObject({ code: 'IMAP_AUTH_FAILED' });
        const written = inspect([lines, error], {
          depth: 20,
          showHidden: true,
          maxStringLength: null,
          breakLength: 1e9,
        });
        for (const echo of echoes) expect(written).not.toContain(echo.replace(/^\{\d+\}\r\n/, ''));
        await server.stop();
      }
    },
  );
});
