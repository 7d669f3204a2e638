import {
  BETWEEN_WORDS,
  characterKind,
  IN_UNSPACED,
  IN_WORDS,
  MAX_WORD,
  normalForm,
  type SearchableMessage,
} from '../domain/search-words.ts';
import { GrowingBuffer } from './growing-buffer.ts';

/** Most text that is indexed, in UTF-16 units: a tsvector is limited to 1 MB. */
const MAX_TEXT = 200_000;
/**
 * Most bytes of words and positions, as a tsvector holds them. MAX_TEXT does not suffice, because in scripts without
 * blanks every two characters are a word.
 */
const MAX_SIZE = 900_000;
/** PostgreSQL's own limits: the highest position is 16383, and a word has at most 255 positions. */
const MAX_POSITION = 16_383;
const MAX_POSITIONS_OF_WORD = 255;

/**
 * Returns the words of a message with their positions, in the binary format of a `tsvector` (tsvectorrecv): the number
 * of words, then for each word its bytes, a zero, the number of its positions and the positions. PostgreSQL sorts the
 * words.
 * @returns bytes that are valid until the next call
 */
export function searchVector(message: SearchableMessage): Uint8Array {
  words.clear();
  let room = MAX_TEXT;
  const read = (text: string | null): void => {
    if (!text || room <= 0) return;
    words.read(normalForm(text.slice(0, room)).toLowerCase());
    // The boundary between two texts counts as one character.
    room -= text.length + 1;
  };
  read(message.subject);
  for (const people of [message.from, message.to, message.cc, message.bcc]) {
    for (const { name, address } of people) {
      read(name);
      read(address);
    }
  }
  for (const { filename } of message.attachments) read(filename);
  read(message.text);
  read(message.attachedText ?? null);
  return words.vector();
}

/**
 * Words and their positions, in buffers that are reused for every message. A Map of arrays would be shorter, and took a
 * third of the thread's time instead of a tenth: docs/decisions/0016-own-words.md.
 *
 * A word is hashed while it is read, and looked up in an open-addressing table. The positions of a word are a linked
 * list in ascending order.
 */
class WordTable {
  /** UTF-8 of all words, one after the other. */
  readonly #text = new GrowingBuffer(64 * 1024);
  /** Index of a word plus one; 0 is free. The length is a power of two, at least twice the number of words. */
  #table = new Int32Array(4096);
  #words = newColumns(2048);
  #wordCount = 0;
  /** In the order of the text: the position, and the index of the next one of the same word. */
  #places = new Uint16Array(8192);
  #nextPlace = new Int32Array(8192);
  #placeCount = 0;
  #position = 0;
  readonly #out = new GrowingBuffer(64 * 1024);

  clear(): void {
    for (let word = 0; word < this.#wordCount; word++) this.#table[this.#words.slot[word]!] = 0;
    this.#text.clear();
    this.#wordCount = this.#placeCount = this.#position = 0;
  }

  /** @param text normalised and in lower case */
  read(text: string): void {
    // A UTF-16 unit takes at most three bytes, and in scripts without blanks it is written twice.
    const bytes = this.#text.reserve(text.length * 6);
    const { length } = text;
    for (let at = 0; at < length; ) {
      let hash = 0;
      let units = 0;
      let isCut = false;
      let end = this.#text.end;
      while (at < length) {
        const code = text.charCodeAt(at);
        if (code < 0x80) {
          if (!isAsciiWord[code]) break;
          at++;
          if (units++ >= MAX_WORD || isCut) continue;
          hash = (Math.imul(hash, MULTIPLIER) + code) | 0;
          bytes[end++] = code;
          continue;
        }
        const point = text.codePointAt(at)!;
        const kind = characterKind(point);
        if (kind === BETWEEN_WORDS || (kind === IN_UNSPACED && units > 0)) break;
        const width = point > 0xffff ? 2 : 1;
        at += width;
        units += width;
        isCut ||= units > MAX_WORD;
        if (isCut) continue;
        hash = (Math.imul(hash, MULTIPLIER) + point) | 0;
        end = writeUtf8(bytes, point, end);
        if (kind === IN_WORDS) continue;
        const next = at < length ? text.codePointAt(at)! : 0;
        if (characterKind(next) === IN_UNSPACED) {
          hash = (Math.imul(hash, MULTIPLIER) + next) | 0;
          end = writeUtf8(bytes, next, end);
        }
        break;
      }
      if (units === 0) at += 1;
      else this.#add(hash, end);
    }
  }

  /** Adds the word whose bytes begin at the end of the text and end at `end`. */
  #add(hash: number, end: number): void {
    const start = this.#text.end;
    if (this.#position < MAX_POSITION) this.#position++;
    const mask = this.#table.length - 1;
    let slot = firstSlot(hash) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const word = this.#table[slot]! - 1;
      if (word < 0) break;
      if (this.#words.hash[word] === hash && this.#isSame(word, start, end)) {
        this.#addPlace(word);
        return;
      }
    }
    // A tsvector holds the bytes of a word, the number of its positions, and each position.
    if (end + this.#wordCount * 4 + this.#placeCount * 2 > MAX_SIZE) return;
    const word = this.#wordCount++;
    if (word === this.#words.hash.length) this.#words = grownColumns(this.#words);
    const { start: starts, end: ends, hash: hashes, slot: slots, count } = this.#words;
    starts[word] = start;
    ends[word] = this.#text.end = end;
    hashes[word] = hash;
    slots[word] = slot;
    count[word] = 0;
    this.#table[slot] = word + 1;
    if (this.#wordCount * 2 > this.#table.length) this.#rehash();
    this.#addPlace(word);
  }

  #isSame(word: number, start: number, end: number): boolean {
    const known = this.#words.start[word]!;
    if (this.#words.end[word]! - known !== end - start) return false;
    const bytes = this.#text.memory;
    for (let i = end - start - 1; i >= 0; i--) if (bytes[known + i] !== bytes[start + i]) return false;
    return true;
  }

  #addPlace(word: number): void {
    const { count, first, last } = this.#words;
    if (count[word]! >= MAX_POSITIONS_OF_WORD) return;
    if (count[word]! > 0 && this.#places[last[word]!] === this.#position) return;
    const place = this.#placeCount++;
    if (place === this.#places.length) {
      this.#places = grown(this.#places, Uint16Array);
      this.#nextPlace = grown(this.#nextPlace, Int32Array);
    }
    this.#places[place] = this.#position;
    if (count[word] === 0) first[word] = place;
    else this.#nextPlace[last[word]!] = place;
    last[word] = place;
    count[word]!++;
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let word = 0; word < this.#wordCount; word++) {
      let slot = firstSlot(this.#words.hash[word]!) & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = word + 1;
      this.#words.slot[word] = slot;
    }
  }

  vector(): Uint8Array {
    this.#out.clear();
    const text = this.#text.memory;
    const out = this.#out.reserve(4 + this.#text.end + this.#wordCount * 3 + this.#placeCount * 2);
    let at = out.writeInt32BE(this.#wordCount);
    for (let word = 0; word < this.#wordCount; word++) {
      const end = this.#words.end[word]!;
      for (let i = this.#words.start[word]!; i < end; i++) out[at++] = text[i]!;
      out[at++] = 0;
      const count = this.#words.count[word]!;
      out[at++] = count >> 8;
      out[at++] = count;
      let place = this.#words.first[word]!;
      for (let i = 0; i < count; i++, place = this.#nextPlace[place]!) {
        const position = this.#places[place]!;
        out[at++] = position >> 8;
        out[at++] = position;
      }
    }
    return out.subarray(0, at);
  }
}

/** Mixes the high bits of a hash into the low ones, which depend mainly on the word's last letters. */
const firstSlot = (hash: number): number => hash ^ (hash >>> 15);

/** Differs in every process, so that no sender can craft words with equal hashes. Odd, or bits would be lost. */
const MULTIPLIER = Math.floor(Math.random() * 2 ** 31) * 2 + 1;

const COLUMNS = ['start', 'end', 'hash', 'slot', 'first', 'last', 'count'] as const;
type Columns = Record<(typeof COLUMNS)[number], Int32Array<ArrayBuffer>>;

const newColumns = (length: number): Columns =>
  Object.fromEntries(COLUMNS.map((name) => [name, new Int32Array(length)])) as Columns;

const grownColumns = (columns: Columns): Columns =>
  Object.fromEntries(COLUMNS.map((name) => [name, grown(columns[name], Int32Array)])) as Columns;

function grown<T extends Int32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>>(
  array: T,
  type: new (length: number) => T,
): T {
  const larger = new type(array.length * 2);
  larger.set(array);
  return larger;
}

const isAsciiWord = Uint8Array.from({ length: 0x80 }, (_, code) => (characterKind(code) === IN_WORDS ? 1 : 0));

function writeUtf8(bytes: Uint8Array, point: number, at: number): number {
  if (point < 0x800) {
    bytes[at++] = 0xc0 | (point >> 6);
  } else {
    if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >> 12);
    } else {
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
    }
    bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
  }
  bytes[at++] = 0x80 | (point & 0x3f);
  return at;
}

/** One per thread, which reads one message at a time. */
const words = new WordTable();
