const encoded = (text: string): string => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;

/** Bidi marks wherever a sender can write, and a subject of the greatest length. */
export const TURNED_SUBJECT = `\u202Eshalom ${'very long '.repeat(60)}end`;

/** Two messages of a thread. */
export function turnedMails(): Buffer[] {
  const ben = mail('Ben Lee', 'ben@example.org', ['Message-ID: <turned@example.org>']);
  const eve = mail('\u202Eevil name', 'eve@example.org', ['In-Reply-To: <turned@example.org>']);
  return [ben, eve];
}

const mail = (name: string, address: string, more: readonly string[]): Buffer =>
  Buffer.from(
    [
      `From: ${encoded(name)} <${address}>`,
      'To: ann@example.com',
      `Subject: ${[...TURNED_SUBJECT.matchAll(/.{1,40}/gs)].map(([part]) => encoded(part)).join('\r\n ')}`,
      'Date: Mon, 1 Jun 2020 10:00:00 +0000',
      ...more,
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=outer',
      '',
      '--outer',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Text.',
      '--outer',
      'Content-Type: application/octet-stream',
      "Content-Disposition: attachment; filename*=utf-8''invoice%E2%80%AEfdp.exe",
      '',
      'x',
      '--outer--',
      '',
    ].join('\r\n'),
  );
