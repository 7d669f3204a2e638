import type { MessageColumns } from '../../domain/parsed-batch.ts';
import type { ParsedMessage } from '../../domain/parsed-message.ts';
import { PgArrayWriter } from '../../pg-formats/pg-array.ts';
import { searchVector } from '../../pg-formats/search-vector.ts';

/**
 * Writes messages into database columns, one after the other, in the thread that parsed them. Other threads get one
 * buffer instead of thousands of strings, and the parsed objects can be collected at once.
 */
export class ColumnWriter {
  readonly #columns: { readonly [column in keyof MessageColumns]: PgArrayWriter } = {
    messageIdHeader: new PgArrayWriter('text'),
    subject: new PgArrayWriter('text'),
    from: new PgArrayWriter('text'),
    to: new PgArrayWriter('text'),
    cc: new PgArrayWriter('text'),
    bcc: new PgArrayWriter('text'),
    replyTo: new PgArrayWriter('text'),
    snippet: new PgArrayWriter('text'),
    hasRemoteImages: new PgArrayWriter('bool'),
    parseError: new PgArrayWriter('text'),
    search: new PgArrayWriter('tsvector'),
  };

  /** Begins a batch. */
  clear(): void {
    for (const column of Object.values(this.#columns)) column.clear();
  }

  add(message: ParsedMessage): void {
    const columns = this.#columns;
    columns.messageIdHeader.text(message.messageIdHeader);
    columns.subject.text(message.subject);
    columns.from.text(JSON.stringify(message.from));
    columns.to.text(JSON.stringify(message.to));
    columns.cc.text(JSON.stringify(message.cc));
    columns.bcc.text(JSON.stringify(message.bcc));
    columns.replyTo.text(JSON.stringify(message.replyTo));
    columns.snippet.text(message.snippet);
    columns.hasRemoteImages.bool(message.hasRemoteImages);
    columns.parseError.text(message.parseError);
    columns.search.bytes(searchVector(message));
  }

  /** Returns all columns in one buffer, which the caller may transfer. */
  take(): { columns: MessageColumns; buffer: ArrayBuffer } {
    const writers = Object.entries(this.#columns);
    const buffer = new ArrayBuffer(writers.reduce((sum, [, writer]) => sum + writer.length, 0));
    let from = 0;
    const columns = writers.map(([column, writer]) => {
      const view = new Uint8Array(buffer, from, writer.length);
      from += writer.length;
      writer.copyTo(view);
      return [column, view];
    });
    return { columns: Object.fromEntries(columns) as MessageColumns, buffer };
  }
}
