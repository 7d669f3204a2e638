import { hash } from 'node:crypto';
import { toStorable } from './storable-text.ts';

/** Code units of a path that is shown: an index row of PostgreSQL takes 2704 bytes. */
const MAX_PATH = 600;
const CONTROLS = /\p{Cc}/gu;

/** A name that LIST shows. */
export interface Spelling {
  /** Each byte one character (latin1), as the server sent it. */
  readonly rawName: string;
  /** {@link shownName} of it. */
  readonly shown: string;
}

/**
 * How an account's server spells the names of its mailboxes. The bytes of a name are what it is; a path is the name as
 * people read it, and within an account no two mailboxes have the same one.
 */
export class MailboxNames {
  readonly #rawNames = new Map<string, string | null>();
  readonly #paths = new Map<string, string>();

  /** A stored mailbox; `rawName` is null where it was not noted. */
  know(path: string, rawName: string | null): void {
    this.#rawNames.set(path, rawName);
    if (rawName !== null) this.#paths.set(rawName, path);
  }

  /**
   * All names of a LIST. A stored path whose name is not among them is the one that reads like it: servers change their
   * spelling when UTF8=ACCEPT is enabled (RFC 6855).
   */
  learn(spellings: readonly Spelling[]): void {
    const listed = new Set(spellings.map(({ rawName }) => rawName));
    for (const { rawName, shown } of spellings) {
      if (this.#paths.has(rawName)) continue;
      const known = this.#rawNames.get(shown);
      const isTaken = known != null && listed.has(known);
      this.know(isTaken ? `${shown} [${hash('sha256', rawName).slice(0, 8)}]` : shown, rawName);
    }
  }

  pathOf(rawName: string): string {
    return this.#paths.get(rawName) ?? rawName;
  }

  /** What the server is asked for. A name that it never listed is spelled as RFC 9051, A.1 says. */
  rawNameOf(path: string): string {
    return this.#rawNames.get(path) ?? encodeUtf7(path);
  }
}

/** INBOX has no case (RFC 9051, 5.1). */
export const isInbox = (name: string): boolean => name.toUpperCase() === 'INBOX';

/**
 * A name as people read it: decoded, without what cannot be stored or shown, cut when it is long.
 * @param rawName each byte one character
 * @param isUtf8 whether UTF8=ACCEPT is enabled: names are not in modified UTF-7 then
 */
export function shownName(rawName: string, isUtf8: boolean): string {
  const text = toStorable(decoded(rawName, isUtf8).replace(CONTROLS, '\ufffd'));
  return text.length <= MAX_PATH ? text : toStorable(`${text.slice(0, MAX_PATH)}…`);
}

function decoded(rawName: string, isUtf8: boolean): string {
  if (!/[\u0080-\u00ff]/.test(rawName)) return isUtf8 ? rawName : decodeUtf7(rawName);
  const bytes = Buffer.from(rawName, 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Modified UTF-7 (RFC 9051, A.1); what is none stays as it is. */
function decodeUtf7(name: string): string {
  return name.replace(/&([A-Za-z0-9+,]*)-/g, (shift, base64: string) => {
    if (base64 === '') return '&';
    const utf16 = Buffer.from(base64.replaceAll(',', '/'), 'base64');
    return utf16.length === 0 || utf16.length % 2 === 1 ? shift : utf16.swap16().toString('utf16le');
  });
}

function encodeUtf7(path: string): string {
  return path.replaceAll('&', '&-').replace(/[^\u0020-\u007e]+/g, (run) => {
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/={1,2}$/, '').replaceAll('/', ',')}-`;
  });
}
