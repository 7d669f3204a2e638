import { parseAddressHeader } from 'mailparser';
import {
  MAX_ADDRESSES,
  MAX_TEXT,
  type ParsedAttachment,
  type ParsedMessage,
  SNIPPET_LENGTH,
} from '../domain/parsed-message.ts';
import { toStorable } from '../domain/storable-text.ts';
import type { MailAddress } from '../domain/words.ts';
import { type HeaderFields, readHeaderFields } from './header-fields.ts';
import { htmlToText } from './html-to-text.ts';
import { type MailParts, runMailParser } from './mail-parser.ts';
import { ownMessageId, referencedIds } from './message-ids.ts';
import { hasRemoteImages } from './remote-images.ts';
import { sentDate } from './sent-date.ts';

/** Parses a message as received. Never throws: what cannot be parsed is left out, and `parseError` says why. */
export async function parseMessage(source: Buffer): Promise<ParsedMessage> {
  const header = readHeaderFields(source);
  const attachments: ParsedAttachment[] = [];
  const parts = await runMailParser(header.values, source.subarray(header.end), (part) => {
    let size = 0;
    part.content.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    part.content.once('end', () => {
      attachments.push({
        filename: part.filename ? toStorable(part.filename) : null,
        contentType: toStorable(part.contentType),
        size,
        contentId: part.cid ? toStorable(part.cid) : null,
        isInline: part.contentDisposition !== 'attachment' && Boolean(part.cid),
      });
    });
  });
  return assemble(header, parts, attachments);
}

/** What the header says of a message whose body cannot be parsed for `reason`. */
export async function parseHeaderOnly(source: Buffer, reason: string): Promise<ParsedMessage> {
  const header = readHeaderFields(source);
  const { subject } = await runMailParser(header.values, Buffer.alloc(0), () => {});
  return assemble(header, { subject, text: '', html: '', error: new Error(reason) }, []);
}

function assemble({ values, cut }: HeaderFields, parts: MailParts, attachments: ParsedAttachment[]): ParsedMessage {
  const html = bounded(parts.html);
  const text = bounded(readableText(parts));
  const messageIdHeader = ownMessageId(toStorable(values.get('message-id') ?? ''));
  const problems = [
    parts.error?.message,
    cut && 'a header field is too long',
    (text.cut || html.cut) && `text after ${MAX_TEXT} characters is left out`,
  ];
  const from = addresses(values.get('from'));
  const to = addresses(values.get('to'));
  const cc = addresses(values.get('cc'));
  const bcc = addresses(values.get('bcc'));
  const replyTo = addresses(values.get('reply-to'));
  return {
    messageIdHeader,
    references: referencedIds({
      references: toStorable(values.get('references') ?? ''),
      inReplyTo: toStorable(values.get('in-reply-to') ?? ''),
      own: messageIdHeader,
      people: [from, to, cc, bcc, replyTo],
    }),
    subject: toStorable(parts.subject) || null,
    from,
    to,
    cc,
    bcc,
    replyTo,
    sentAt: sentDate(values.get('date') ?? ''),
    text: text.value,
    html: html.value || null,
    snippet: snippetOf(text.value),
    attachments,
    hasRemoteImages: hasRemoteImages(html.value),
    parseError: problems.filter(Boolean).join('; ') || null,
  };
}

/**
 * The plain text, unless it is little beside what the HTML says: often it is only "your mail program cannot show HTML",
 * or the footer that a mailing list appended.
 */
function readableText({ text, html }: MailParts): string {
  if (!html || text.trim().length * 10 > html.length) return text;
  const fromHtml = htmlToText(html);
  return fromHtml.length > text.trim().length * 2 ? fromHtml : text;
}

function bounded(text: string): { value: string; cut: boolean } {
  const cut = text.length > MAX_TEXT;
  return { value: toStorable(cut ? text.slice(0, MAX_TEXT) : text), cut };
}

/** From the first characters only: folding white space in all of a long text would be for nothing. */
function snippetOf(text: string): string {
  const folded = text
    .slice(0, SNIPPET_LENGTH * 4)
    .replace(/\s+/g, ' ')
    .trim();
  return toStorable(
    folded.length > SNIPPET_LENGTH ? withoutHalf(folded.slice(0, SNIPPET_LENGTH)) : withoutHalf(folded),
  );
}

/** A cut may leave half a character at the end. */
function withoutHalf(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}

/**
 * The same few people write to the same few: what a field said is remembered, while there are not many, because reading
 * one is a twelfth of all that is done to a message.
 */
const known = new Map<string, readonly MailAddress[]>();
const MAX_KNOWN = 500;
const MAX_KNOWN_LENGTH = 200;

function addresses(value: string | undefined): readonly MailAddress[] {
  if (!value) return [];
  if (value.length > MAX_KNOWN_LENGTH) return readAddresses(value);
  let read = known.get(value);
  if (!read) {
    // A string that was cut out of a header keeps all of the header in memory. This one is a copy.
    const own = Buffer.from(value).toString();
    read = readAddresses(own);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(own, read);
  }
  return read;
}

function readAddresses(value: string): MailAddress[] {
  return parseAddressHeader(value, { flatten: true })
    .value.slice(0, MAX_ADDRESSES)
    .map(({ name, address }) => ({ name: toStorable(name) || null, address: toStorable(address ?? '') || null }))
    .filter(({ name, address }) => name !== null || address !== null);
}
