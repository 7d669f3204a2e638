import { describe, expect, test } from 'vitest';
import { canonicalHost } from '../../../src/net/addresses.ts';

describe('canonicalHost', () => {
  test.each([
    [' IMAP.Example.com. ', 'imap.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['127.1', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['１２７.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::FFFF:127.0.0.1', '::ffff:127.0.0.1'],
    ['', null],
    ['.', null],
    ['a b', null],
    ['host:993', null],
    ['user@host', null],
    ['host/path', null],
    ['host?query', null],
    ['%31.2.3.4', null],
    ['256.1.1.1', null],
    ['[not.an.address]', null],
    [`${'a'.repeat(60)}.`.repeat(5), null],
  ])('%s is %s', (input, host) => expect(canonicalHost(input)).toBe(host));
});
