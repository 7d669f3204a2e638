import type { ImapFlow } from 'imapflow';
import type { ImapLogin } from './connection.ts';
import { responseCode } from './errors.ts';

/** The parts of imapflow that a login needs and its types omit. */
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
 * Returns the methods that a server offers, in the order in which they are tried. LOGIN comes first, because some
 * servers offer AUTHENTICATE and then refuse it with AUTHENTICATIONFAILED, as if the password were wrong. LOGIN can
 * only send ASCII, so it comes last for other characters.
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

/** Text of a NO without a code by which servers refuse this method. */
const REFUSES_METHOD =
  /mechanism|unsupported|not (?:supported|implemented|enabled|available|permitted|allowed)|disabled|unknown command|plain ?text/i;
/** The same words about the account refuse the login itself. */
const SPEAKS_OF_ACCOUNT = /account|mailbox|password|credential|user/i;

/**
 * Returns whether a refusal concerns the method, so that another method is worth trying. A refusal that may concern the
 * password is final: the same wrong password sent twice counts twice towards a lock-out.
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
  // With an unknown code, the refusal may concern the password.
  if (reason !== '' && reason !== 'ALERT') return false;
  if (responseStatus === 'BAD') return true;
  return responseStatus === 'NO' && REFUSES_METHOD.test(responseText) && !SPEAKS_OF_ACCOUNT.test(responseText);
}

/**
 * Replaces imapflow's login, which tries one method for each list of capabilities and gives up if it is refused.
 * `onLogin` is called when it begins and ends: the server's answers in between may contain the secret.
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
    // Some servers answer ID before the login, but open no mailbox until it is sent again (NetEase).
    flow.idRequested = undefined;
    return true;
  };
}

async function logIn(flow: Client, username: string, password: string, original: () => Promise<boolean>) {
  const methods = loginMethods(new Set(flow.capabilities.keys()), /^[\x20-\x7e]*$/.test(username + password));
  // imapflow throws the error for a server that offers none.
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
