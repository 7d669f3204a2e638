import type { MailboxStatus } from '../domain/imap-types.ts';
import { isInbox } from '../domain/mailbox-names.ts';
import type { UnreadAnswers } from '../domain/receipt.ts';
import { toStorable } from '../domain/storable-text.ts';
import { type ListLine, type RawLine, readListLine, readStatusLine } from './list-lines.ts';
import type { Redact } from './redact.ts';

/** Further mailboxes are counted as unread: no account has that many. */
const MAX_MAILBOXES = 50_000;
/** Bytes of all names together. */
const MAX_NAMES = 16 * 1024 * 1024;
/** Attributes of one mailbox, from all lines that name it. */
const MAX_ATTRIBUTES = 50;
const MAX_SAMPLES = 5;
/** Bytes of an answer in a sample. */
const SAMPLE = 120;
const CONTROLS = /\p{Cc}/gu;

/** The answers of a server to LIST and STATUS so far. */
export class Listing {
  /** By raw name, the best line of each. */
  readonly lines = new Map<string, ListLine>();
  /** By raw name; null if the STATUS was unusable. */
  readonly statuses = new Map<string, MailboxStatus | null>();
  readonly #redact: Redact;
  readonly #samples: string[] = [];
  #unread = 0;
  #nameBytes = 0;

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  get unread(): UnreadAnswers {
    return { count: this.#unread, samples: this.#samples };
  }

  /** Reads a line. Returns true if it is an answer to LIST or STATUS. */
  read(line: RawLine): boolean {
    const [, word] = /^\* *([^\s(]*)/.exec(line.text.slice(0, SAMPLE)) ?? [];
    switch (word?.toUpperCase()) {
      case 'LIST': {
        const found = readListLine(line);
        const isRoot = found === null && /^\* +LIST +\([^()]*\) +\S+ +""\s*$/i.test(line.text.slice(0, SAMPLE));
        if (found) this.#add(found);
        else if (!isRoot) this.addUnread(line.text);
        return true;
      }
      case 'STATUS': {
        const found = readStatusLine(line);
        if (found) this.#addStatus(canonical(found.rawName), found.status);
        return true;
      }
      default:
        // A line that does not begin with a word of the protocol may be a garbled mailbox.
        if (!/^[A-Z]+$/i.test(word ?? '')) this.addUnread(line.text);
        return false;
    }
  }

  addUnread(text: string): void {
    this.#unread += 1;
    if (this.#samples.length >= MAX_SAMPLES) return;
    const shown = this.#redact(Buffer.from(text.slice(0, SAMPLE), 'latin1').toString());
    this.#samples.push(toStorable(shown.replace(CONTROLS, '\ufffd')));
  }

  /** Servers list a mailbox twice. The line by which it can be opened is kept, with the attributes of both. */
  #add(line: ListLine): void {
    const rawName = canonical(line.rawName);
    const known = this.lines.get(rawName);
    if (!known && !this.#hasRoomFor(rawName, this.lines)) {
      this.addUnread(`more than ${MAX_MAILBOXES} mailboxes, or ${MAX_NAMES} bytes of names`);
      return;
    }
    const [best, other] = known && isSelectable(known) ? [known, line] : [line, known];
    const attributes = new Set([...best.attributes, ...(other?.attributes ?? [])].slice(0, MAX_ATTRIBUTES));
    if (isSelectable(best)) for (const attribute of UNSELECTABLE) attributes.delete(attribute);
    this.lines.set(rawName, { rawName, attributes, delimiter: best.delimiter ?? other?.delimiter ?? null });
  }

  #addStatus(rawName: string, status: MailboxStatus | null): void {
    if (this.statuses.has(rawName) || this.#hasRoomFor(rawName, this.statuses)) this.statuses.set(rawName, status);
  }

  #hasRoomFor(rawName: string, named: ReadonlyMap<string, unknown>): boolean {
    if (named.size >= MAX_MAILBOXES || this.#nameBytes + rawName.length > MAX_NAMES) return false;
    this.#nameBytes += rawName.length;
    return true;
  }
}

const canonical = (rawName: string): string => (isInbox(rawName) ? 'INBOX' : rawName);

const UNSELECTABLE = ['\\noselect', '\\nonexistent'] as const;

export const isSelectable = ({ attributes }: ListLine): boolean =>
  !UNSELECTABLE.some((attribute) => attributes.has(attribute));
