import type { ImapFlow } from 'imapflow';
import type { ImapLogin } from './connection.ts';
import { responseCode } from './errors.ts';

/** What of imapflow a login needs and its types do not show. */
interface Client {
  readonly capabilities: ReadonlyMap<string, unknown>;
  readonly state: number;
  readonly states: { readonly NOT_AUTHENTICATED: number };
  authenticated: string | boolean;
  expectCapabilityUpdate: boolean;
  idRequested: unknown;
  authenticate(): Promise<boolean>;
  setAuthenticationState(): Promise<void>;
  exec(command: string, attributes: unknown[], options?: unknown): Promise<{ next(): void }>;
  run(command: string, ...args: unknown[]): Promise<unknown>;
}

/** The ways to send a password: the LOGIN command, and SASL mechanisms (RFC 9051, 6.2.2; RFC 4616; RFC 4959). */
export type LoginMethod = 'LOGIN' | 'PLAIN with initial response' | 'PLAIN' | 'SASL LOGIN';

/**
 * The methods that a server offers, in the order in which they are tried. LOGIN is first: a server that has it answers
 * it like any other command, whereas AUTHENTICATE is offered by some that then refuse it with AUTHENTICATIONFAILED, as
 * if the password were wrong. LOGIN has no way to send other characters than ASCII, so it is last for these.
 */
export function loginMethods(capabilities: Pick<ReadonlySet<string>, 'has'>, isAscii: boolean): LoginMethod[] {
  const login: LoginMethod[] = capabilities.has('LOGINDISABLED') ? [] : ['LOGIN'];
  const sasl: LoginMethod[] = [];
  if (capabilities.has('AUTH=PLAIN')) {
    if (capabilities.has('SASL-IR')) sasl.push('PLAIN with initial response');
    sasl.push('PLAIN');
  }
  if (capabilities.has('AUTH=LOGIN')) sasl.push('SASL LOGIN');
  return isAscii ? [...login, ...sasl] : [...sasl, ...login];
}

/** Of a NO without a code, as servers say that this way to log in is closed. */
const REFUSES_METHOD =
  /mechanism|unsupported|not (?:supported|implemented|enabled|available|permitted|allowed)|disabled|unknown command|plain ?text/i;
/** The same words about the account are a refusal of its own. */
const SPEAKS_OF_ACCOUNT = /account|mailbox|password|credential|user/i;

/**
 * Whether a refusal is about the way to log in, so that another one is worth a try. What may be about the password is
 * final: the same wrong password sent twice counts twice towards a lock-out.
 */
export function refusesMethod(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const {
    responseStatus,
    responseText = '',
    code,
  } = error as Error & {
    responseStatus?: string;
    responseText?: string;
    code?: string;
  };
  if (code !== undefined || !responseStatus) return false;
  const reason = responseCode(error);
  if (reason === 'CANNOT' || reason === 'PRIVACYREQUIRED') return true;
  // An unknown code says no more than none does.
  if (reason !== '' && reason !== 'ALERT') return false;
  if (responseStatus === 'BAD') return true;
  return responseStatus === 'NO' && REFUSES_METHOD.test(responseText) && !SPEAKS_OF_ACCOUNT.test(responseText);
}

/**
 * Replaces imapflow's login, which knows one method for each list of capabilities and gives up when that is refused.
 * `onLogin` hears of its beginning and its end: what the server says between them may hold the secret.
 */
export function useLogin(client: ImapFlow, login: ImapLogin, onLogin: (isUnderWay: boolean) => void): void {
  const flow = client as unknown as Client;
  const original = flow.authenticate.bind(client);
  flow.authenticate = async () => {
    onLogin(true);
    try {
      const isOpen = flow.state === flow.states.NOT_AUTHENTICATED;
      if (!isOpen || !('password' in login.credentials)) await original();
      else await logIn(flow, login.username, login.credentials.password, original);
    } finally {
      onLogin(false);
    }
    // Some servers answer ID before the login, and open no mailbox before it is sent once more (NetEase).
    flow.idRequested = undefined;
    return true;
  };
}

async function logIn(flow: Client, username: string, password: string, original: () => Promise<boolean>) {
  const methods = loginMethods(new Set(flow.capabilities.keys()), /^[\x20-\x7e]*$/.test(username + password));
  // imapflow has the errors for a server that offers none.
  if (methods.length === 0) return original();
  let first: unknown;
  for (const method of methods) {
    try {
      flow.expectCapabilityUpdate = true;
      await send(flow, method, username, password);
      flow.authenticated = username;
      await flow.setAuthenticationState();
      return true;
    } catch (error) {
      if (!refusesMethod(error)) throw error;
      first ??= error;
    }
  }
  throw first;
}

async function send(flow: Client, method: LoginMethod, username: string, password: string): Promise<void> {
  switch (method) {
    case 'LOGIN':
      await flow.run('LOGIN', username, password);
      return;
    case 'PLAIN':
      await flow.run('AUTHENTICATE', username, { password, loginMethod: 'AUTH=PLAIN' });
      return;
    case 'SASL LOGIN':
      await flow.run('AUTHENTICATE', username, { password, loginMethod: 'AUTH=LOGIN' });
      return;
    case 'PLAIN with initial response': {
      const value = Buffer.from(`\0${username}\0${password}`).toString('base64');
      const answer = await flow.exec('AUTHENTICATE', [
        { type: 'ATOM', value: 'PLAIN' },
        { type: 'ATOM', value, sensitive: true },
      ]);
      answer.next();
    }
  }
}
