/** Shorter encoded forms stand in innocent words too; a server that repeats one gives hardly anything away. */
const SHORTEST_ENCODED = 6;
/** A quoted string that is quoted again in an answer, which the log then quotes. */
const QUOTED_TIMES = 3;

/**
 * The forms in which a secret that went to a server may come back from it: as typed, as its bytes in UTF-8 and Latin-1
 * look when they are read as the other, in the Unicode normal forms, within quoted strings (RFC 9051, 9), and in the
 * encodings of mail and the web. Longest first, so that none hides only a part of another.
 */
export function spellingsOf(secret: string): string[] {
  const asRead = new Set<string>();
  for (const form of [secret, secret.normalize('NFC'), secret.normalize('NFD')]) {
    const utf8 = Buffer.from(form);
    const latin1 = Buffer.from(form, 'latin1');
    for (const text of [form, utf8.toString('latin1'), latin1.toString('latin1'), latin1.toString(), utf7(form, '+')]) {
      asRead.add(text);
    }
    asRead.add(utf7(form, '&').replaceAll('/', ','));
  }
  const encoded = new Set<string>();
  for (const text of asRead) {
    let quoted = text;
    for (let i = 0; i < QUOTED_TIMES; i++) {
      quoted = quoted.replace(/["\\]/g, '\\$&');
      encoded.add(quoted);
    }
    const bytes = [Buffer.from(text), Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le')];
    for (const one of bytes) {
      encoded.add(one.toString('hex'));
      encoded.add(percent(one, /[^\w.~-]/g));
      // What encodeURIComponent leaves as it is.
      encoded.add(percent(one, /[^\w.~!*'()-]/g));
      encoded.add(quotedPrintable(one));
      for (const base64 of withinBase64(one)) encoded.add(base64);
    }
    encoded.add(text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
    encoded.add(text.replace(/[&<>"]/g, (sign) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[sign]};`));
  }
  const long = [...encoded].filter((text) => text.length >= SHORTEST_ENCODED);
  return [...new Set([...asRead, ...long])].filter(Boolean).toSorted((a, b) => b.length - a.length);
}

/** What is the same in the base64 of every text that has `bytes` in it: it depends on where in a group of three they begin. */
function withinBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/={1,2}$/, '');
    const from = Math.ceil((before * 8) / 6);
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return text.slice(from, whole);
  });
}

/** RFC 2152 with `+`, and as mailbox names have it with `&` (RFC 3501, 5.1.3). */
function utf7(text: string, shift: '+' | '&'): string {
  return text.replaceAll(shift, `${shift}-`).replace(/[^\x20-\x7e]+/g, (run) => {
    const base64 = Buffer.from(run, 'utf16le')
      .swap16()
      .toString('base64')
      .replace(/={1,2}$/, '');
    return `${shift}${base64}-`;
  });
}

const byte = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');

function percent(bytes: Buffer, escaped: RegExp): string {
  return bytes.toString('latin1').replace(escaped, (sign) => `%${byte(sign.charCodeAt(0))}`);
}

/** RFC 2045, 6.7, without its line breaks. */
function quotedPrintable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x20-\x3c\x3e-\x7e]/g, (sign) => `=${byte(sign.charCodeAt(0))}`);
}
