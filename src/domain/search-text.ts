import type { MailAddress } from './words.ts';

/**
 * Longest text that is indexed, in bytes of UTF-8. A tsvector ends at 1 MB, and the words of a text can take more than
 * four times its bytes: "one-two" is indexed as a whole and in parts, each with its position.
 */
const MAX_BYTES = 200_000;

/** What a search for a message looks at. */
export interface SearchableMessage {
  readonly subject: string | null;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly attachments: readonly { readonly filename: string | null }[];
  readonly text: string;
}

/** A message as text for `to_tsvector('simple', ...)`, the most telling first. */
export function searchText(message: SearchableMessage): string {
  const people = [message.from, message.to, message.cc, message.bcc].flat();
  const parts = [
    message.subject,
    ...people.flatMap(({ name, address }) => [name, address, address && inWords(address)]),
    ...message.attachments.flatMap(({ filename }) => [filename, filename && inWords(filename)]),
    message.text,
  ];
  return searchable(parts.filter(Boolean).join('\n'));
}

/**
 * Text that PostgreSQL's text search parser reads in linear time, for documents and queries alike. That parser looks
 * ahead to the end of what could be a tag, a path or a host and starts again behind its first character: 20 kB of
 * "a_a_a_" cost it eight seconds. So there are no tags, and nothing without a white space is longer than 64 characters.
 */
export function searchable(text: string): string {
  // PostgreSQL's white space is that of its locale: only that of ASCII is always one.
  return cut(text.replaceAll('<', ' ').replace(/[^ \t\r\n]{64}/gu, '$& '));
}

/** PostgreSQL takes "ann.lee@example.com" for one word; people look for "lee" and "example" as well. */
function inWords(name: string): string {
  return name.replace(/[@._+-]+/g, ' ');
}

function cut(text: string): string {
  // A UTF-16 unit is three bytes at most.
  if (text.length * 3 <= MAX_BYTES) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_BYTES));
  return text.slice(0, read);
}
