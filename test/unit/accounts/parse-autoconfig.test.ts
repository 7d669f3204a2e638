import { expect, test } from 'vitest';
import { parseAutoconfig } from '../../../src/accounts/parse-autoconfig.ts';

const imap = (fields: string) => `<incomingServer type="imap">${fields}</incomingServer>`;
const file = (inner: string, more = '') =>
  `<clientConfig version="1.1"><emailProvider id="example.com">${inner}</emailProvider>${more}</clientConfig>`;
const HOST = '<hostname>imap.example.com</hostname>';

test('reads the IMAP servers in their order, and where to get tokens', () => {
  const parsed = parseAutoconfig(`<?xml version="1.0" encoding="UTF-8"?>
    <clientConfig version="1.1">
      <emailProvider id="example.com">
        <domain>example.com</domain>
        <!-- <incomingServer type="imap"><hostname>old.example.com</hostname></incomingServer> -->
        <incomingServer type="pop3"><hostname>pop.example.com</hostname><port>995</port></incomingServer>
        <incomingServer type="imap">
          <hostname> imap.example.com </hostname>
          <port>993</port>
          <socketType>SSL</socketType>
          <username>%EMAILADDRESS%</username>
          <authentication>OAuth2</authentication>
          <authentication><![CDATA[password-cleartext]]></authentication>
          <nested><hostname>nested.example.com</hostname></nested>
        </incomingServer>
        <incomingServer type="imap"><hostname>second.example.com</hostname></incomingServer>
        <outgoingServer type="smtp"><hostname>smtp.example.com</hostname></outgoingServer>
        <oAuth2><issuer>misplaced</issuer></oAuth2>
      </emailProvider>
      <oAuth2>
        <issuer>login.example.com</issuer>
        <scope>mail &amp; more</scope>
        <authURL>https://login.example.com/authorize</authURL>
      </oAuth2>
    </clientConfig>`);
  const none = { port: [], socketType: [], username: [], authentication: [] };
  expect(parsed).toEqual({
    servers: [
      {
        hostname: ['imap.example.com'],
        port: ['993'],
        socketType: ['SSL'],
        username: ['%EMAILADDRESS%'],
        authentication: ['OAuth2', 'password-cleartext'],
      },
      { hostname: ['second.example.com'], ...none },
    ],
    oauth: { issuer: 'login.example.com', scope: 'mail & more' },
  });
});

test('reads files that are not well-formed, as real ones are', () => {
  const xml = file(
    `<documentation url="https://example.com/?a=1&lang=ko"/><descr>POP3 &amP; IMAP</descr>${imap(HOST)}`,
  );
  expect(parseAutoconfig(xml)?.servers[0]?.hostname).toEqual(['imap.example.com']);
  expect(parseAutoconfig(xml.slice(0, xml.indexOf('</incomingServer>')))?.servers).toHaveLength(1);
});

test.each([
  ['nothing', ''],
  ['text', 'imap.example.com'],
  ['a web page', '<!doctype html><html><body>Not found</body></html>'],
  ['another root', `<html>${file(imap(HOST))}</html>`],
  ['servers outside the provider', `<clientConfig>${imap(HOST)}</clientConfig>`],
  ['a file without IMAP', file('<incomingServer type="pop3"><hostname>pop.example.com</hostname></incomingServer>')],
  ['a document type', `<!DOCTYPE clientConfig SYSTEM "file:///etc/passwd">${file(imap(HOST))}`],
  ['deep nesting', file(imap(HOST) + '<a>'.repeat(20_000))],
  ['many servers', file(imap(HOST).repeat(21))],
])('%s is no autoconfig file', (_, xml) => expect(parseAutoconfig(xml)).toBeNull());

test('entities are not expanded', () => {
  const bomb = Array.from({ length: 10 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('');
  expect(
    parseAutoconfig(`<!DOCTYPE x [<!ENTITY e0 "lol">${bomb}]>${file(imap('<hostname>&e10;</hostname>'))}`),
  ).toBeNull();
  const undefined_ = parseAutoconfig(file(imap('<hostname>&e10;</hostname><username>&nbsp;&#x41;</username>')));
  expect(undefined_?.servers[0]).toMatchObject({ hostname: ['&e10;'], username: ['&nbsp;A'] });
});

test('texts and lists are limited', () => {
  const xml = file(
    imap(`<hostname>${'a'.repeat(10_000)}</hostname>${'<authentication>x</authentication>'.repeat(1000)}`),
  );
  const [server] = parseAutoconfig(xml)!.servers;
  expect(server!.hostname[0]).toHaveLength(2000);
  expect(server!.authentication).toHaveLength(20);
});

test.each(['constructor', '__proto__', 'toString'])('an element called %s is ignored', (name) => {
  const parsed = parseAutoconfig(file(imap(`${HOST}<${name}>x</${name}>`), `<oAuth2><${name}>x</${name}></oAuth2>`));
  expect(parsed).toMatchObject({ servers: [{ hostname: ['imap.example.com'] }], oauth: { issuer: '', scope: '' } });
});

test.each([
  ['unclosed elements', '<clientConfig>', '<a>'],
  ['closing elements that were never opened', '<clientConfig>', '</a>'],
  ['open angle brackets', '<clientConfig>', '<'],
  ['attributes', '<clientConfig ', 'a="b" '],
  ['ampersands', '<clientConfig><a>', '&'],
  ['comments', '<clientConfig>', '<!--'],
])('64 KiB of %s end', (_, begin, part) => {
  expect(parseAutoconfig(begin + part.repeat((64 * 1024) / part.length))).toBeNull();
});
