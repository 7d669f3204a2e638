import { expect, test } from 'vitest';
import { ERRORS, MailtideError } from '../../../src/errors.ts';
import { type ImapStage, toImapError } from '../../../src/imap/errors.ts';
import { suggestedPauseMs } from '../../../src/imap/suggested-pause.ts';

const failure = (facts: object, message = 'the answer: secret') => Object.assign(new Error(message), facts);
const no = (code?: string, text?: string) =>
  failure({ responseStatus: 'NO', authenticationFailed: true, serverResponseCode: code, responseText: text });

const cases: [ImapStage, Error, string][] = [
  ['connect', failure({ code: 'ENOTFOUND' }), 'IMAP_HOST_NOT_FOUND'],
  ['connect', failure({ code: 'EAI_AGAIN' }), 'IMAP_NAME_LOOKUP_FAILED'],
  ['connect', failure({ code: 'ECONNREFUSED' }), 'IMAP_UNREACHABLE'],
  ['connect', failure({ code: 'EHOSTUNREACH' }), 'IMAP_NO_ROUTE'],
  ['connect', failure({ code: 'ENETUNREACH' }), 'IMAP_NO_ROUTE'],
  ['connect', failure({ code: 'ETIMEDOUT' }), 'IMAP_TIMEOUT'],
  ['connect', failure({ code: 'CONNECT_TIMEOUT' }), 'IMAP_TIMEOUT'],
  ['tls', failure({ code: 'ECONNRESET' }), 'IMAP_TLS_FAILED'],
  ['tls', failure({ code: 'EPROTO' }), 'IMAP_TLS_FAILED'],
  ['tls', failure({ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }), 'IMAP_TLS_FAILED'],
  ['tls', failure({ code: 'CERT_HAS_EXPIRED' }), 'IMAP_CERTIFICATE_EXPIRED'],
  ['tls', failure({ code: 'CERT_NOT_YET_VALID' }), 'IMAP_CERTIFICATE_NOT_YET_VALID'],
  ['tls', failure({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'IMAP_CERTIFICATE_UNTRUSTED'],
  ['tls', failure({ code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'IMAP_CERTIFICATE_UNTRUSTED'],
  ['tls', failure({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }), 'IMAP_CERTIFICATE_UNTRUSTED'],
  ['tls', failure({ code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' }), 'IMAP_CERTIFICATE_UNTRUSTED'],
  ['tls', failure({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'IMAP_CERTIFICATE_WRONG_HOST'],
  ['tls', failure({ tlsFailed: true }), 'IMAP_STARTTLS_UNAVAILABLE'],
  ['greeting', failure({ code: 'GREETING_TIMEOUT' }), 'IMAP_NO_GREETING'],
  ['greeting', failure({ code: 'ClosedAfterConnectText' }), 'IMAP_CONNECTION_LOST'],
  ['greeting', failure({ code: 'ClosedAfterConnectText', reason: 'Too many connections' }), 'IMAP_TURNED_AWAY'],
  ['login', no(), 'IMAP_AUTH_FAILED'],
  ['login', no('AUTHENTICATIONFAILED'), 'IMAP_AUTH_FAILED'],
  ['login', no('AUTHORIZATIONFAILED'), 'IMAP_AUTH_FAILED'],
  ['login', no('ALERT', 'Application-specific password required'), 'IMAP_AUTH_FAILED'],
  ['login', no('ALERT', 'Too many simultaneous connections. (Failure)'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no(undefined, 'Temporary authentication failure'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no('UNAVAILABLE'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no('INUSE'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no('LIMIT'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no('OVERQUOTA'), 'IMAP_QUOTA_EXCEEDED'],
  ['login', no(undefined, 'Request is throttled. Suggested Backoff Time: 5 milliseconds'), 'IMAP_THROTTLED'],
  ['login', no(undefined, 'Server Unavailable. 15'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no(undefined, 'AUTHENTICATE failed.'), 'IMAP_AUTH_FAILED'],
  ['login', no(undefined, 'User is authenticated but not connected.'), 'MAILBOX_NOT_ACCESSIBLE'],
  ['login', no('SERVERBUG'), 'IMAP_AUTH_UNAVAILABLE'],
  ['login', no('CONTACTADMIN'), 'IMAP_CONTACT_ADMIN'],
  ['login', no('PRIVACYREQUIRED'), 'IMAP_LOGIN_DISABLED'],
  ['login', failure({ authenticationFailed: true }, 'Login is disabled'), 'IMAP_LOGIN_DISABLED'],
  ['login', failure({ authenticationFailed: true }, 'Authentication failed'), 'MAILBOX_NOT_ACCESSIBLE'],
  ['login', failure({}, 'Unsupported authentication mechanism'), 'IMAP_AUTH_UNSUPPORTED'],
  ['login', failure({ code: 'ECONNRESET' }), 'IMAP_CONNECTION_LOST'],
  ['command', failure({ code: 'ETIMEOUT' }), 'IMAP_TIMEOUT'],
  ['command', failure({ code: 'NoConnection' }), 'IMAP_CONNECTION_LOST'],
  ['command', failure({ code: 'EPIPE' }), 'IMAP_CONNECTION_LOST'],
  ['command', failure({ code: 'ETHROTTLE' }), 'IMAP_THROTTLED'],
  ['command', no('THROTTLED'), 'IMAP_THROTTLED'],
  ['command', no('OVERQUOTA'), 'IMAP_QUOTA_EXCEEDED'],
  ['command', no('UNAVAILABLE'), 'IMAP_SERVER_REFUSED'],
  ['command', no('SERVERBUG'), 'IMAP_SERVER_REFUSED'],
  ['command', failure({ responseStatus: 'BAD' }), 'IMAP_SERVER_REFUSED'],
  ['command', no(undefined, 'Server Unavailable. 15'), 'IMAP_SERVER_REFUSED'],
  ['command', no(undefined, 'User is authenticated but not connected.'), 'MAILBOX_NOT_ACCESSIBLE'],
  ['command', failure({ code: 'ParserError12' }), 'IMAP_INVALID_ANSWER'],
  ['command', failure({ code: 'LiteralTooLarge' }), 'IMAP_ANSWER_TOO_LARGE'],
  ['command', new TypeError('of imapflow, over an odd answer'), 'IMAP_INVALID_ANSWER'],
];

test.each(cases)('toImapError, while in %s, %o is %s', (stage, error, code) => {
  const translated = toImapError(error, stage);
  expect(translated.code).toBe(code);
  expect(translated.message).toBe(ERRORS[translated.code].sentence);
  expect(translated.cause).toBe(error);
});

test.each([
  [no('EXPIRED'), /^The password has expired. Change it at the provider/],
  [
    no('ALERT', 'Please log in via your web browser: https://support.example'),
    /^The provider requires a login in a web/,
  ],
])('a refused login with instructions, has them in its sentence', (error, sentence) => {
  const { code, message } = toImapError(error, 'login');
  expect(code).toBe('IMAP_AUTH_FAILED');
  expect(message).toMatch(sentence);
});

test('the code of a refused FETCH is found in the parsed response', () => {
  const response = { tag: 'A1', command: 'NO', attributes: [{ type: 'ATOM', section: [{ value: 'OVERQUOTA' }] }] };
  expect(toImapError(failure({ responseStatus: 'NO', response }), 'command').code).toBe('IMAP_QUOTA_EXCEEDED');
});

test('a MailtideError stays unchanged', () => {
  const cancelled = new MailtideError('RUN_CANCELLED');
  expect(toImapError(cancelled, 'login')).toBe(cancelled);
});

test.each([
  ['Request is throttled. Suggested Backoff Time: 299961 milliseconds', 299_961],
  ['Backoff Time: 1000', 1000],
  ['Too many logins, try again in 5 minutes', 300_000],
  ['retry after 30 s', 30_000],
  ['Account exceeded command or bandwidth limits. (Failure)', undefined],
  ['try again in 3 blue moons', undefined],
  ['wait 99999999999999 s', undefined],
  ['', undefined],
])('suggestedPauseMs, %j, is %s ms', (text, pause) => {
  expect(suggestedPauseMs(text)).toBe(pause);
  expect(toImapError(no('THROTTLED', text), 'command').retryAfterMs).toBe(pause);
});
