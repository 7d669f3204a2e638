import { MAX_TEXT, TEXT_IS_CUT } from '../domain/parsed-message.ts';
import { toStorable } from '../domain/storable-text.ts';
import { calendarText } from './calendar-text.ts';
import { imageKeys, isShowable, namedImages } from './own-images.ts';
import {
  isCalendar,
  isMessage,
  isOtherVersion,
  isReadVersion,
  isShownType,
  namedFile,
  typeOfName,
} from './part-types.ts';
import type { MimePart } from './read-parts.ts';
import { hasWords, htmlOf, isWritten, type ShownPart, textOf } from './shown-parts.ts';
import { subjectOf } from './subject.ts';
import { type PartText, textOfPart } from './text-of-part.ts';
import { decodedPieces, decodedSize } from './transfer-decoding.ts';

/** A message as users see it: its shown text and its attachments. */
export interface Letter {
  readonly text: string;
  /** Null if no part of it is HTML. */
  readonly html: string | null;
  readonly attachments: readonly LetterAttachment[];
  /** Words of attached messages and invitations, which are searched and not shown. */
  readonly attachedText: string;
  readonly problems: readonly string[];
}

export interface LetterAttachment {
  readonly filename: string | null;
  readonly contentType: string;
  readonly contentId: string | null;
  readonly contentLocation: string | null;
  /** An image that the HTML shows. */
  readonly isInline: boolean;
  /** Its bytes, decoded each time. */
  readonly pieces: () => Iterable<Uint8Array>;
  /** In bytes. Decodes it. */
  readonly size: () => number;
}

/** Builds a letter from the parts of `readMessageParts`. Each part is shown, listed as an attachment, or both. */
export function readLetter(root: MimePart): Letter {
  const reading = new LetterReading();
  const parts = reading.shownOf(root, { isLetter: true, isVersion: false });
  const shown = parts.some(hasWords) ? parts : [...parts, ...reading.insteadOfText(root)];
  const html = htmlOf(shown);
  const named = html !== null && reading.hasImages ? namedImages(html) : NONE;
  return {
    text: textOf(shown),
    html,
    attachments: reading.attachments.map(({ attachment }) => ({
      ...attachment,
      isInline: named.size > 0 && isShowable(attachment) && imageKeys(attachment).some((key) => named.has(key)),
    })),
    attachedText: reading.words.filter(isWritten).join('\n'),
    problems: reading.problems,
  };
}

const NONE: ReadonlySet<string> = new Set();

interface Position {
  /** The letter itself, even with a name. */
  readonly isLetter: boolean;
  /** One of several versions, if another one of them can be shown. */
  readonly isVersion: boolean;
}

interface Listed {
  readonly part: MimePart;
  readonly attachment: Omit<LetterAttachment, 'isInline'>;
}

class LetterReading {
  readonly attachments: Listed[] = [];
  readonly words: string[] = [];
  readonly problems: string[] = [];
  /** Number of characters of each type still to read: of many large parts, most are never shown. */
  readonly #room = { text: MAX_TEXT, html: MAX_TEXT };
  /** Texts of attached messages and invitations. */
  readonly #readable: string[] = [];

  get hasImages(): boolean {
    return this.attachments.some(({ attachment }) => imageKeys(attachment).length > 0);
  }

  shownOf(part: MimePart, position: Position): ShownPart[] {
    const { contentType, children } = part;
    if (children.length === 0) return this.#shownOfLeaf(part, position);
    if (contentType === 'multipart/alternative') return this.#bestOf(children);
    if (contentType === 'multipart/encrypted') this.problems.push('the text is encrypted (PGP/MIME)');
    const isRelated = contentType === 'multipart/related';
    return children.flatMap((child, i) => this.shownOf(child, { isLetter: isRelated && i === 0, isVersion: false }));
  }

  /** Chooses from several versions: the last HTML, and the plain text beside it (RFC 2046, 5.1.4). */
  #bestOf(children: readonly MimePart[]): ShownPart[] {
    const isVersion = children.some((child) => isReadVersion(child.contentType) || child.children.length > 0);
    const versions = children
      .map((child) => this.shownOf(child, { isLetter: true, isVersion }))
      .filter((version) => version.some(hasWords));
    const rich = versions.findLast((version) => version.some(({ html }) => isWritten(html)));
    const plain = versions.findLast((version) => version.every(({ html }) => html === null));
    if (!rich || !plain) return rich ?? plain ?? [];
    return [{ text: textOf(plain), html: htmlOf(rich) }];
  }

  #shownOfLeaf(part: MimePart, { isLetter, isVersion }: Position): ShownPart[] {
    const { contentType, disposition, filename } = part;
    const isFile = disposition === 'attachment' || (filename !== null && !isLetter);
    if (isVersion && isOtherVersion(contentType) && filename === null && disposition === null) return [];
    if (isShownType(contentType) && !isFile) return [this.#shown(part)];
    this.#attach(part);
    return [];
  }

  #shown(part: MimePart): ShownPart {
    const type = part.contentType === 'text/html' ? 'html' : 'text';
    if (this.#room[type] < 0) {
      this.problems.push(TEXT_IS_CUT);
      return { text: null, html: null };
    }
    const { text, files } = textOfPart(part);
    this.#room[type] -= text.length;
    for (const file of files) this.#attachFile(part, file);
    return type === 'html' ? { text: null, html: text } : { text, html: null };
  }

  /** Returns, for a message without text, the readable content of its files. */
  insteadOfText(root: MimePart): ShownPart[] {
    const file = this.attachments.find(
      ({ part }) => isShownType(part.contentType) && (part.disposition !== 'attachment' || part === root),
    );
    if (file) return [this.#shown(file.part)];
    const text = this.#readable.find(isWritten);
    if (text !== undefined) return [{ text, html: null }];
    const preamble = root.children.length > 0 ? textOfPart({ ...root, contentType: 'text/plain' }).text : '';
    return this.attachments.length === 0 && isWritten(preamble) ? [{ text: preamble, html: null }] : [];
  }

  #attach(part: MimePart): void {
    const { contentType, contentId, contentLocation, body, encoding } = part;
    const attachment = {
      filename: this.#nameOf(part),
      contentType: toStorable(contentType),
      contentId: contentId && toStorable(contentId),
      contentLocation,
      pieces: () => decodedPieces(body, encoding),
      size: () => decodedSize(body, encoding),
    };
    this.attachments.push({ part, attachment });
  }

  #attachFile(part: MimePart, { filename, content }: PartText['files'][number]): void {
    const attachment = {
      filename: toStorable(filename),
      contentType: typeOfName(filename) ?? 'application/octet-stream',
      contentId: null,
      contentLocation: null,
      pieces: () => [content],
      size: () => content.length,
    };
    this.attachments.push({ part, attachment });
  }

  /** Returns the name of an attachment. The words of attached messages and invitations are read here, too. */
  #nameOf(part: MimePart): string | null {
    const filename = part.filename === null ? null : toStorable(part.filename);
    if (isMessage(part.contentType)) return namedFile(filename, this.#readMessage(part) ?? 'message', '.eml');
    if (!isCalendar(part.contentType)) return filename;
    const text = calendarText(textOfPart(part).text);
    this.words.push(text);
    this.#readable.push(text);
    return namedFile(filename, 'invite', '.ics');
  }

  /** @returns its subject */
  #readMessage({ message }: MimePart): string | null {
    if (!message) return null;
    const { text, attachments, attachedText } = readLetter(message.root);
    const subject = subjectOf(message.header);
    this.words.push(subject ?? '', text, ...attachments.map(({ filename }) => filename ?? ''), attachedText);
    this.#readable.push(text);
    return subject;
  }
}
