import { parseAddressHeader } from 'mailparser';
import type { MailAddress } from '../domain/imap-types.ts';
import { MAX_ADDRESSES, MAX_TEXT, type ParsedMessage, TEXT_IS_CUT } from '../domain/parsed-message.ts';
import { toStorable } from '../domain/storable-text.ts';
import { type HeaderFields, readHeaderFields } from './header-fields.ts';
import { type Letter, readLetter } from './letter.ts';
import { ownMessageId, referencedIds } from './message-ids.ts';
import { readMessageParts } from './read-parts.ts';
import { hasRemoteImages } from './remote-images.ts';
import { sentDate } from './sent-date.ts';
import { snippetOf } from './snippet.ts';
import { subjectOf } from './subject.ts';

/** Parses a message as received. Never throws: what cannot be parsed is left out, and `parseError` states why. */
export async function parseMessage(source: Buffer): Promise<ParsedMessage> {
  const { header, root, problems } = await readMessageParts(source);
  const letter = readLetter(root);
  return assemble(header, { ...letter, problems: [...problems, ...letter.problems] });
}

/** Parses the header of a message whose body cannot be parsed for `reason`. */
export async function parseHeaderOnly(source: Buffer, reason: string): Promise<ParsedMessage> {
  return assemble(readHeaderFields(source), { ...NOTHING, problems: [reason] });
}

const NOTHING: Letter = { text: '', html: null, attachments: [], attachedText: '', problems: [] };

function assemble(header: HeaderFields, letter: Letter): ParsedMessage {
  const { values, cut } = header;
  const html = bounded(letter.html ?? '');
  const text = bounded(letter.text);
  const messageIdHeader = ownMessageId(toStorable(values.get('message-id') ?? ''));
  const problems = new Set([
    ...letter.problems,
    cut && 'a header field is too long',
    (text.cut || html.cut) && TEXT_IS_CUT,
  ]);
  const from = authors(values);
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
    subject: subjectOf(header),
    from,
    to,
    cc,
    bcc,
    replyTo,
    sentAt: sentDate(values.get('date') ?? ''),
    text: text.value,
    html: html.value || null,
    snippet: snippetOf(text.value),
    attachments: letter.attachments.map(({ filename, contentType, contentId, isInline, size }) => ({
      filename,
      contentType,
      size: size(),
      contentId,
      isInline,
    })),
    hasRemoteImages: hasRemoteImages(html.value),
    attachedText: bounded(letter.attachedText).value,
    parseError: [...problems].filter(Boolean).join('; ') || null,
  };
}

/** RFC 5322, 3.6.2, requires From. Where it is missing, Sender names the agent who sent the message. */
function authors(values: HeaderFields['values']): readonly MailAddress[] {
  const from = addresses(values.get('from'));
  return from.length > 0 ? from : addresses(values.get('sender'));
}

function bounded(text: string): { value: string; cut: boolean } {
  const cut = text.length > MAX_TEXT;
  return { value: toStorable(cut ? text.slice(0, MAX_TEXT) : text), cut };
}

/**
 * Cache of parsed address fields. The same few people write to the same few, and parsing a field takes a twelfth of the
 * time of a message.
 */
const known = new Map<string, readonly MailAddress[]>();
const MAX_KNOWN = 500;
const MAX_KNOWN_LENGTH = 200;

function addresses(value: string | undefined): readonly MailAddress[] {
  if (!value) return [];
  if (value.length > MAX_KNOWN_LENGTH) return readAddresses(value);
  let read = known.get(value);
  if (!read) {
    // A copy, because a substring of a header keeps the whole header in memory.
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
