import type { ParsedAttachment } from './parsed-message.ts';
import type { ThreadLinks } from './threads.ts';

/** The fields of a message that decide how it is stored; all others are in {@link MessageColumns}. */
export interface BatchMessage {
  /** Its position in the batch, and in each of the columns. */
  readonly index: number;
  /** Lower-case hex of the bytes as received. */
  readonly sha256: string;
  /** In bytes, as received. */
  readonly size: number;
  readonly sentAt: Date | null;
  readonly place: PackPlace;
  readonly links: ThreadLinks;
  readonly attachments: readonly ParsedAttachment[];
  /** Parsing takes too much time or memory, or crashes: only the header was parsed. */
  readonly isHeaderOnly: boolean;
}

/** Columns of the messages of a batch: one binary array per column (src/pg-formats/pg-array.ts), in their order. */
export type MessageColumns = {
  readonly messageIdHeader: Uint8Array<ArrayBuffer>;
  readonly subject: Uint8Array<ArrayBuffer>;
  /** Address lists as JSON. */
  readonly from: Uint8Array<ArrayBuffer>;
  readonly to: Uint8Array<ArrayBuffer>;
  readonly cc: Uint8Array<ArrayBuffer>;
  readonly bcc: Uint8Array<ArrayBuffer>;
  readonly replyTo: Uint8Array<ArrayBuffer>;
  readonly snippet: Uint8Array<ArrayBuffer>;
  readonly hasRemoteImages: Uint8Array<ArrayBuffer>;
  readonly parseError: Uint8Array<ArrayBuffer>;
  /** The searchable words of each message, as binary tsvectors (src/domain/search-words.ts). */
  readonly search: Uint8Array<ArrayBuffer>;
};

/**
 * Text, HTML and source of the messages of a batch, each kind one zstd frame. These are binary arrays too, nearly
 * always of one pack. If a message crashes the parser's thread, each message has a pack of its own.
 */
export interface Packs {
  /** The text and then the HTML of each message, as UTF-8. */
  readonly texts: Uint8Array<ArrayBuffer>;
  /** The bytes as received. */
  readonly sources: Uint8Array<ArrayBuffer>;
}

/** Position of a message in its pack, in uncompressed bytes. The source is as long as the message's `size`. */
export interface PackPlace {
  /** Which of {@link Packs}, from 0. */
  readonly pack: number;
  readonly textAt: number;
  readonly textSize: number;
  /** Null if it has no HTML. */
  readonly htmlSize: number | null;
  readonly sourceAt: number;
}

/** What a parser's thread returns for a batch: parsed, hashed, compressed and ready to be written without a copy. */
export interface BatchContents {
  /** One for each source, in the order of the sources. */
  readonly messages: readonly BatchMessage[];
  readonly columns: MessageColumns;
  readonly packs: Packs;
}

/**
 * The messages of a batch. Their columns and packs are encoded for the whole batch, so what is written beside them has
 * one value per message, or one per pack, even if only some of the messages are stored.
 */
export class ParsedBatch implements BatchContents {
  readonly messages: readonly BatchMessage[];
  readonly columns: MessageColumns;
  readonly packs: Packs;

  constructor({ messages, columns, packs }: BatchContents) {
    this.messages = messages;
    this.columns = columns;
    this.packs = packs;
  }

  /** Returns the message of the source at this index. */
  at(index: number): BatchMessage {
    const message = this.messages[index];
    if (!message) throw new RangeError(`a batch of ${this.messages.length} messages has no message ${index}`);
    return message;
  }

  /**
   * Returns a function that makes further columns, from a value of each item. A message that no item has gets null.
   */
  columnsFrom<Item extends { readonly message: BatchMessage }>(items: readonly Item[]) {
    const rows = this.messages.map((): Item | null => null);
    for (const item of items) rows[item.message.index] = item;
    return <T>(value: (item: Item) => T): (T | null)[] => rows.map((item) => item && value(item));
  }

  /** Returns an id for each pack that contains one of these messages, in the order of the packs; null for the others. */
  packIds(items: readonly { readonly message: BatchMessage }[], newId: () => string): (string | null)[] {
    const packs = (this.messages.at(-1)?.place.pack ?? -1) + 1;
    const ids = Array.from({ length: packs }, (): string | null => null);
    for (const { message } of items) ids[message.place.pack] ??= newId();
    return ids;
  }
}
