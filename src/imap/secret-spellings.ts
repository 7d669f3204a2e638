/** Shorter encoded forms also occur in innocent words, and a server that repeats one reveals hardly anything. */
const SHORTEST_ENCODED = 6;
/** A quoted string, quoted again in an answer, and again by the log. */
const QUOTED_TIMES = 3;

/**
 * Returns the forms in which a server may send back a secret: as typed, its UTF-8 bytes read as Latin-1 and vice versa,
 * in the Unicode normal forms, within quoted strings (RFC 9051, 9), and in the encodings of mail and the web. Longest
 * first, so that none hides only a part of another.
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
      // As encodeURIComponent does.
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

/**
 * Returns the parts that the base64 of any text containing `bytes` has in common, one for each position of `bytes` in a
 * group of three.
 */
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

/** Encodes UTF-7 (RFC 2152) with `+`, or the modified UTF-7 of mailbox names (RFC 3501, 5.1.3) with `&`. */
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

/** Encodes quoted-printable (RFC 2045, 6.7) without line breaks. */
function quotedPrintable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x20-\x3c\x3e-\x7e]/g, (sign) => `=${byte(sign.charCodeAt(0))}`);
}
