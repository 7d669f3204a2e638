import { afterEach, describe, expect, test } from 'vitest';
import { type ReceivedLine, type ScriptedImap, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { loginTo, SHORT } from './scripted-mailbox.ts';

let server: ScriptedImap | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

interface LoginServer {
  readonly capability: string;
  readonly username: string;
  readonly password: string;
  /** The answers to LOGIN and AUTHENTICATE, by command, in place of checking the password. */
  readonly refusals?: Readonly<Record<string, string>>;
}

/** A server with one user. It offers the methods that it does not refuse, and counts wrong passwords. */
async function startLoginServer({ capability, username, password, refusals = {} }: LoginServer) {
  const used: string[] = [];
  let failures = 0;
  let waiting: ((line: string) => string | undefined) | null = null;
  const checked = (tag: string, name: string | undefined, secret: string | undefined): string => {
    if (name === username && secret === password) return `${tag} OK done`;
    failures++;
    return `${tag} NO [AUTHENTICATIONFAILED] wrong`;
  };
  const plain = (tag: string, line: string): string => {
    const [, name, secret] = Buffer.from(line, 'base64').toString().split('\0');
    return checked(tag, name, secret);
  };
  const saslLogin = (tag: string, name: string): string => {
    waiting = (line) => {
      waiting = null;
      return checked(tag, name, Buffer.from(line, 'base64').toString());
    };
    return '+ UGFzc3dvcmQ6';
  };
  const authenticate = (tag: string, rest: string): string => {
    const [mechanism = '', initial] = rest.split(' ');
    if (initial) return plain(tag, initial);
    waiting = (line) => {
      waiting = null;
      return mechanism === 'PLAIN' ? plain(tag, line) : saslLogin(tag, Buffer.from(line, 'base64').toString());
    };
    return mechanism === 'PLAIN' ? '+ ' : '+ VXNlcm5hbWU6';
  };
  server = await startScriptedImap({
    greeting: '* OK ready',
    capability,
    reply: ({ tag, command, rest, line }: ReceivedLine) => {
      if (waiting) return waiting(line);
      if (command !== 'LOGIN' && command !== 'AUTHENTICATE') return undefined;
      const method = command === 'LOGIN' ? 'LOGIN' : `AUTHENTICATE ${rest.replace(/ .+/, ' IR')}`;
      used.push(method);
      const refusal = refusals[method];
      if (refusal) return `${tag} ${refusal}`;
      if (command === 'AUTHENTICATE') return authenticate(tag, rest);
      const [name, secret] = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
        text.replace(/\\(.)/g, '$1'),
      );
      return checked(tag, name, secret);
    },
  });
  return { used, failures: () => failures };
}

async function logIn(username: string, password: string): Promise<string> {
  try {
    const login = loginTo(server!, { username, credentials: { password } });
    const connection = await openImapConnection(login, { deadlines: SHORT });
    await connection.close();
    return 'connected';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const ann = { username: 'ann@example.org', password: 'secret' };
const ALL = 'IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN';

describe('a login over one of several methods', () => {
  test.each<[string, string, Record<string, string>, string[]]>([
    ['everything works', ALL, {}, ['LOGIN']],
    [
      'AUTHENTICATE is refused as if the password were wrong',
      'IMAP4rev1 AUTH=PLAIN AUTH=ATOKEN SASL-IR',
      { 'AUTHENTICATE PLAIN IR': 'NO [AUTHENTICATIONFAILED] no', 'AUTHENTICATE PLAIN': 'NO [AUTHENTICATIONFAILED] no' },
      ['LOGIN'],
    ],
    [
      'LOGIN is disabled and says so',
      `${ALL} LOGINDISABLED`,
      { LOGIN: 'NO [PRIVACYREQUIRED] LOGIN is disabled' },
      ['AUTHENTICATE PLAIN IR'],
    ],
    ['LOGIN is BAD', ALL, { LOGIN: 'BAD unknown command' }, ['LOGIN', 'AUTHENTICATE PLAIN IR']],
    ['LOGIN is NO [CANNOT]', ALL, { LOGIN: 'NO [CANNOT] use SASL' }, ['LOGIN', 'AUTHENTICATE PLAIN IR']],
    [
      'LOGIN is disabled in the text of its NO',
      ALL,
      { LOGIN: 'NO LOGIN command is disabled' },
      ['LOGIN', 'AUTHENTICATE PLAIN IR'],
    ],
    [
      'no initial response',
      ALL,
      { LOGIN: 'BAD no', 'AUTHENTICATE PLAIN IR': 'BAD no' },
      ['LOGIN', 'AUTHENTICATE PLAIN IR', 'AUTHENTICATE PLAIN'],
    ],
    [
      'no PLAIN',
      ALL,
      {
        LOGIN: 'BAD no',
        'AUTHENTICATE PLAIN IR': 'BAD no',
        'AUTHENTICATE PLAIN': 'NO Unsupported authentication mechanism',
      },
      ['LOGIN', 'AUTHENTICATE PLAIN IR', 'AUTHENTICATE PLAIN', 'AUTHENTICATE LOGIN'],
    ],
  ])('%s: connects', async (_, capability, refusals, methods) => {
    const { used, failures } = await startLoginServer({ ...ann, capability, refusals });
    expect(await logIn(ann.username, ann.password)).toBe('connected');
    expect(used).toEqual(methods);
    expect(failures()).toBe(0);
  });

  test.each([ALL, 'IMAP4rev1', `${ALL} LOGINDISABLED`, 'IMAP4rev1 LOGINDISABLED AUTH=LOGIN'])(
    'a wrong password is sent once (%s)',
    async (capability) => {
      const { failures } = await startLoginServer({ ...ann, capability });
      expect(await logIn(ann.username, 'wrong')).toBe('IMAP_AUTH_FAILED');
      expect(failures()).toBe(1);
    },
  );

  test.each([
    ['NO [UNAVAILABLE] later', 'IMAP_AUTH_UNAVAILABLE'],
    ['NO Your account is disabled', 'IMAP_AUTH_FAILED'],
    ['NO [CONTACTADMIN] locked', 'IMAP_CONTACT_ADMIN'],
  ])('a refusal that does not concern the method is final: %s', async (refusal, code) => {
    const { used } = await startLoginServer({ ...ann, capability: ALL, refusals: { LOGIN: refusal } });
    expect(await logIn(ann.username, ann.password)).toBe(code);
    expect(used).toEqual(['LOGIN']);
  });

  test('if every method is refused, the first refusal is the error', async () => {
    const refusals = {
      LOGIN: 'NO [PRIVACYREQUIRED] use TLS',
      'AUTHENTICATE PLAIN IR': 'BAD no',
      'AUTHENTICATE PLAIN': 'BAD no',
    };
    await startLoginServer({ ...ann, capability: 'IMAP4rev1 SASL-IR AUTH=PLAIN', refusals });
    expect(await logIn(ann.username, ann.password)).toBe('IMAP_LOGIN_DISABLED');
  });
});

describe('a user name', () => {
  test.each([
    'DOMAIN\\ann',
    'DOMAIN/ann',
    'ann@example.org/shared',
    'example.org/ann/shared mailbox',
    'ann "the boss"',
    'ann*',
    'ännchen',
  ])('%s is sent unchanged, whatever the server offers', async (username) => {
    for (const capability of [
      'IMAP4rev1',
      ALL,
      'IMAP4rev1 LOGINDISABLED AUTH=PLAIN',
      'IMAP4rev1 LOGINDISABLED AUTH=LOGIN',
    ]) {
      // LOGIN cannot send other characters.
      if (username === 'ännchen' && capability === 'IMAP4rev1') continue;
      await startLoginServer({ capability, username, password: 'pass"word\\' });
      expect(await logIn(username, 'pass"word\\')).toBe('connected');
      await server?.stop();
    }
  });
});

test('ID is sent again after the login, because some servers require it then', async () => {
  const commands: string[] = [];
  server = await startScriptedImap({
    greeting: '* OK ready',
    capability: 'IMAP4rev1 ID',
    reply: ({ tag, command }) => {
      commands.push(command);
      if (command === 'ID') return `* ID ("name" "Mail" "vendor" "Example")\r\n${tag} OK done`;
      return undefined;
    },
  });
  expect(await logIn(ann.username, ann.password)).toBe('connected');
  expect(commands.lastIndexOf('ID')).toBeGreaterThan(commands.indexOf('LOGIN'));
});
