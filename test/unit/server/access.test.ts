import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAccess } from '../../../src/server/access.ts';
import { createAttemptLimit } from '../../../src/server/attempt-limit.ts';
import { clientAddress, trustedProxies } from '../../../src/server/client-address.ts';
import { ownPath } from '../../../src/ui/paths.ts';

const request = (headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
  ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;
const access = (isLoopback: boolean, publicUrl?: string) =>
  createAccess({ isLoopback, publicUrl, trustedProxies: ['loopback'] });

describe('the host name of a request', () => {
  test.each([
    ['127.0.0.1:4000', true],
    ['localhost:4000', true],
    ['LOCALHOST', true],
    ['demo.localhost:4000', true],
    ['[::1]:4000', true],
    ['192.168.1.4:4000', true],
    ['evil.example:4000', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['127.0.0.1:99999', false],
    ['', false],
  ])('on a loopback listener, %j is answered: %s', (host, isAnswered) => {
    expect(access(true).answersTo(request({ host }))).toBe(isAnswered);
  });

  test('with PUBLIC_URL, only its name is answered', () => {
    const published = access(false, 'https://mail.example.com');
    const answers = (host: string) => published.answersTo(request({ host }));
    expect(['mail.example.com', 'MAIL.example.com.', 'mail.example.com:443', 'localhost'].map(answers)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['evil.example', 'example.com', 'mail.example.com.evil.example'].map(answers)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('on a public listener without PUBLIC_URL, every name is answered', () => {
    expect(access(false).answersTo(request({ host: 'anything.example' }))).toBe(true);
    expect(access(false).answersTo(request({ host: '' }))).toBe(true);
  });

  test.each(['anything.example:99999', 'a b', 'a/b@c:x', '['])(
    'a Host that is not a host and a port, %j, is refused',
    (host) => {
      expect(access(false).answersTo(request({ host }))).toBe(false);
    },
  );
});

describe("the client's address", () => {
  const isTrusted = trustedProxies(['loopback', '10.0.0.0/8', '2001:db8::1']);
  const client = (remote: string, forwarded?: string) =>
    clientAddress(request(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, remote), isTrusted);

  test.each([
    ['without a proxy, is the peer', '192.0.2.7', undefined, '192.0.2.7'],
    ['an untrusted peer cannot claim another one', '192.0.2.7', '198.51.100.1', '192.0.2.7'],
    ['behind a trusted proxy, is what the proxy added', '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['behind two trusted proxies, is what the first one added', '::1', '198.51.100.1, 10.1.2.3', '198.51.100.1'],
    ['ignores what the client itself sent', '10.0.0.1', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
    ['an IPv4 peer on an IPv6 socket is the same peer', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['invalid entries end the search at the proxy', '127.0.0.1', 'nonsense', '127.0.0.1'],
    ['a trusted IPv6 proxy', '2001:db8::1', '198.51.100.1', '198.51.100.1'],
  ])('%s', (_what, remote, forwarded, expected) => expect(client(remote, forwarded)).toBe(expected));
});

describe('attempts of an address', () => {
  test('are limited, report when to retry, and do not affect other addresses', () => {
    const limit = createAttemptLimit({ burst: 3, refillMs: 60_000 });
    for (let i = 0; i < 3; i++) {
      limit.require('192.0.2.1');
      limit.spend('192.0.2.1');
    }
    expect(() => limit.require('192.0.2.1')).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_REQUESTS', retryAfterMs: expect.any(Number) }),
    );
    expect(() => limit.require('::ffff:192.0.2.1')).toThrow();
    limit.require('192.0.2.2');
  });

  test('a client cannot change its address within its IPv6 network', () => {
    const limit = createAttemptLimit({ burst: 1, refillMs: 60_000 });
    limit.spend('2001:db8:1:2:3:4:5:6');
    expect(() => limit.require('2001:db8:1:2:ffff::1')).toThrow();
    limit.require('2001:db8:1:3::1');
  });
});

test('ownPath never leads to another site', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2e',
    '%2f',
    'evil.example',
    ':',
    '@',
    '?',
    '#',
    '\t',
    '\n',
    'http:',
    'a',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const target = ownPath(pieces.join(''));
      return new URL(target, 'https://mail.example.com/graphql').origin === 'https://mail.example.com';
    }),
    { numRuns: 20_000 },
  );
});
