import type { MailAddress } from './words.ts';

/**
 * Longest text that is indexed, in bytes of UTF-8. A tsvector ends at 1 MB, and the words of a text can take three
 * times its bytes: "one-two" is indexed as a whole and in parts, each with its position.
 */
const MAX_BYTES = 250_000;

export interface SearchableMessage {
  readonly subject: string | null;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly attachments: readonly { readonly filename: string | null }[];
  readonly text: string;
}

/** What a search for a message looks at, most telling first: the text for `to_tsvector('simple', ...)`. */
export function searchText(message: SearchableMessage): string {
  const people = [message.from, message.to, message.cc, message.bcc].flat();
  const parts = [
    message.subject,
    ...people.flatMap(({ name, address }) => [name, address, address && inWords(address)]),
    ...message.attachments.flatMap(({ filename }) => [filename, filename && inWords(filename)]),
    message.text,
  ];
  return cut(parts.filter(Boolean).join('\n'));
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
