const CRLF = '\r\n';
const lines = (...parts: string[]) => parts.join(CRLF);
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const mail = (subject: string, rest: string) => latin1(`Subject: ${subject}${CRLF}${rest}`);
const html = (subject: string, body: string) => mail(subject, lines('Content-Type: text/html', '', body));

/** Messages that attack their reader, or that broken programs create, each by its fault. */
export const HOSTILE: Readonly<Record<string, () => Buffer>> = {
  NULs: () =>
    mail('=?utf-8?q?nul=00nul?=', lines('X-Nul: a\0b', 'From: "n\0l" <nul@example.com>', '', 'body \0 with \0', '')),
  'NULs in an encoded part': () =>
    mail(
      'encoded',
      lines('Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', btoa('a\0b\0c'), ''),
    ),
  'NULs in HTML and a file name': () =>
    mail(
      'parts',
      lines(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        'Content-Type: text/html',
        '',
        '<p>a&#0;b\0c</p>',
        '--b',
        "Content-Disposition: attachment; filename*=utf-8''a%00b.txt",
        '',
        'x',
        '--b--',
        '',
      ),
    ),
  'lone surrogates': () =>
    mail(
      '=?utf-16be?b?2D0=?=',
      lines('Content-Type: text/html; charset=utf-8', '', `<p>&#xD83D; ${'\u{1F30A}'.repeat(3000)} &#xDE00;</p>`),
    ),
  'UTF-8 that is cut': () =>
    Buffer.concat([mail('cut \xf0\x9f', `${CRLF}`), Buffer.from([0xf0, 0x9f, 0x98, 0x0d, 0x0a])]),
  'an invalid date': () => mail('date', lines('Date: the day after tomorrow, 25:61', '', 'x', '')),
  'a date that is far too late': () => mail('late', lines('Date: Fri, 31 Dec 275760 23:59:59 +0000', '', 'x', '')),
  'a date before Christ': () => mail('early', lines('Date: Mon, 1 Jan -4000 00:00:00 +0000', '', 'x', '')),
  '20,000 recipients': () => {
    const all = Array.from({ length: 20_000 }, (_, i) => `"Person ${i}" <p${i}@example.com>`);
    return mail('many', lines(`To: ${all.join(`,${CRLF} `)}`, '', 'x', ''));
  },
  'a header of 3 MB': () => mail('long', lines(`X-Long: ${'word '.repeat(600_000)}`, '', 'x', '')),
  '60,000 header fields': () =>
    mail('fields', lines(...Array.from({ length: 60_000 }, (_, i) => `X-${i}: ${i}`), '', 'x', '')),
  '1,500 parts': () => {
    const parts = Array.from({ length: 1500 }, (_, i) => lines('--b', 'Content-Type: text/plain', '', `part ${i}`));
    return mail('parts', lines('Content-Type: multipart/mixed; boundary=b', '', ...parts, '--b--', ''));
  },
  '10 MB of HTML': () => html('large', `<div>${'<p class="x">tide <b>in</b></p>'.repeat(330_000)}</div>`),
  '10 MB of HTML tags that nobody closes': () => html('open', '<div><a href="'.repeat(700_000)),
  'nested 400 deep': () => {
    let body = lines('Content-Type: text/plain', '', 'the core', '');
    for (let i = 0; i < 400; i += 1) {
      body = lines(`Content-Type: multipart/mixed; boundary=b${i}`, '', `--b${i}`, body, `--b${i}--`, '');
    }
    return mail('deep', body);
  },
  'forwarded 400 times': () => {
    let body = lines('Subject: the core', '', 'x', '');
    for (let i = 0; i < 400; i += 1) body = lines(`Subject: fwd ${i}`, 'Content-Type: message/rfc822', '', body);
    return latin1(body);
  },
  'a charset that nobody knows': () =>
    mail('=?x-klingon?q?nuqneH?=', lines('Content-Type: text/plain; charset="x-klingon-8"', '', 'nuqneH \xe4\xf6', '')),
  'raw bytes in the header': () => mail('\xe4\xf6\xfc \xff\xfe', lines('From: \xe9 <e@example.com>', '', '\xe4', '')),
  'bare CR for line ends': () => latin1('Subject: bare\rFrom: a@example.com\r\rbody\rwith bare\rCR\r'),
  'CR, LF and CRLF mixed': () => latin1('Subject: mixed\r\nX-A: 1\nX-B: 2\r\r\n\r\nbody\rof\nall\r\nkinds'),
  'no header': () => latin1(`${CRLF}only a body${CRLF}`),
  'no body': () => latin1('Subject: alone'),
  'the same field many times': () =>
    mail('first', lines(...Array(50).fill('Subject: again'), ...Array(50).fill('Message-ID: <same@x>'), '', 'x', '')),
  'an encoded word that does not end': () => mail(`=?utf-8?b?${'A'.repeat(5000)}`, lines('', 'x', '')),
  'a multipart without an end, in itself': () =>
    mail(
      'self',
      lines('Content-Type: multipart/mixed; boundary=""', '', '--', 'Content-Type: multipart/mixed', '', '--', ''),
    ),
  'base64 that is none': () =>
    mail('b64', lines('Content-Transfer-Encoding: base64', '', '!!!! not base64 \xff ====', '')),
  'a Message-ID of 100 kB, and as many references': () =>
    mail('ids', lines(`Message-ID: <${'x'.repeat(100_000)}@y>`, `References: ${'<a@b> '.repeat(20_000)}`, '', 'x', '')),
};
