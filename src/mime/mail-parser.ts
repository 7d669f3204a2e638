import { Readable } from 'node:stream';
import { type AttachmentStream, MailParser, type MailParserOptions } from 'mailparser';
import type { FieldName, HeaderFields } from './header-fields.ts';

/**
 * Neither conversions nor checksums that nobody reads: they take most of the parser's time, and 2 MB of HTML a second.
 * A message in a message is an attachment like any other. Inlined, it would get the time of parsing for a bad Date.
 */
const LEAN: MailParserOptions = {
  skipHtmlToText: true,
  skipTextToHtml: true,
  checksumAlgo: false,
  ignoreEmbedded: true,
};

/** The fields that mailparser needs to find its way, and the subject, for its knowledge of encoded words. */
const PASSED_ON: readonly FieldName[] = [
  'subject',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
];

export interface MailParts {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** What ended the parsing early; the rest holds what was found until then. */
  readonly error: Error | null;
}

/**
 * Runs mailparser over a body, with a header of the few fields that it needs: by default it decodes every field, a third
 * of its time, and refuses the whole message when there are too many.
 * @param onAttachment sees each attachment in order; its content has to be read
 */
export function runMailParser(
  fields: HeaderFields['values'],
  body: Uint8Array,
  onAttachment: (attachment: AttachmentStream) => void,
): Promise<MailParts> {
  return new Promise((resolve) => {
    const parts = { subject: '', text: '', html: '' };
    const parser = new MailParser(LEAN);
    parser.on('headers', (headers) => {
      const subject = headers.get('subject');
      parts.subject = typeof subject === 'string' ? subject : '';
    });
    parser.on('data', (part) => {
      if (part.type === 'text') {
        parts.text = part.text ?? '';
        parts.html = part.html ?? '';
      } else {
        part.content.once('end', () => part.release?.());
        onAttachment(part);
      }
    });
    parser.once('end', () => resolve({ ...parts, error: null }));
    // The parser may go on after an error; the first one counts.
    parser.on('error', (error: Error) => resolve({ ...parts, error }));
    parser.write(headerBlock(fields));
    if (body.length <= SLICE) parser.end(body);
    else Readable.from(slicesOf(body)).pipe(parser);
  });
}

/** A large body goes in bit by bit: all at once, mailparser would hold all that it makes of it. Bytes. */
const SLICE = 256 * 1024;

function* slicesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += SLICE) yield body.subarray(at, at + SLICE);
}

function headerBlock(fields: HeaderFields['values']): string {
  const lines = PASSED_ON.map((name) => (fields.has(name) ? `${name}: ${fields.get(name)}\r\n` : ''));
  return `${lines.join('')}\r\n`;
}
