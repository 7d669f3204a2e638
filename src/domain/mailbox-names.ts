import { hash } from 'node:crypto';
import { toStorable } from './storable-text.ts';

/** Longest path, in UTF-16 units: an index row of PostgreSQL holds 2704 bytes. */
const MAX_PATH = 600;
const CONTROLS = /\p{Cc}/gu;

/** A name as LIST returns it. */
export interface Spelling {
  /** Each byte one character (latin1), as the server sent it. */
  readonly rawName: string;
  /** {@link shownName} of it. */
  readonly shown: string;
}

/**
 * Maps between raw names and paths of an account's mailboxes. A raw name consists of the server's bytes and identifies
 * the mailbox on the server. A path is the name for people, and is unique within the account.
 */
export class MailboxNames {
  readonly #rawNames = new Map<string, string | null>();
  readonly #paths = new Map<string, string>();

  /** Adds a stored mailbox; `rawName` is null if it was not recorded. */
  know(path: string, rawName: string | null): void {
    this.#rawNames.set(path, rawName);
    if (rawName !== null) this.#paths.set(rawName, path);
  }

  /**
   * Adds all names of a LIST. If the raw name of a stored path is missing from them, the path goes to the name that
   * reads the same: servers spell names differently when UTF8=ACCEPT is enabled (RFC 6855).
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

  /** Returns the name to send to the server. A name that it never listed is encoded by RFC 9051, A.1. */
  rawNameOf(path: string): string {
    return this.#rawNames.get(path) ?? encodeUtf7(path);
  }
}

/** Returns whether a name is INBOX, which is case-insensitive (RFC 9051, 5.1). */
export const isInbox = (name: string): boolean => name.toUpperCase() === 'INBOX';

/**
 * Returns a name for people: decoded, without characters that cannot be stored or shown, truncated if it is long.
 * @param rawName each byte one character
 * @param isUtf8 whether UTF8=ACCEPT is enabled: names are then not in modified UTF-7
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

/** Decodes modified UTF-7 (RFC 9051, A.1). Invalid parts stay unchanged. */
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
