import libmime from 'libmime';

/** Returns whether a type is shown as text or HTML, unless it is a file. */
export const isShownType = (contentType: string): boolean => SHOWN.has(contentType);

const SHOWN: ReadonlySet<string> = new Set([
  'text/plain',
  'text/html',
  'text/markdown',
  'text/enriched',
  'message/delivery-status',
  'message/global-delivery-status',
]);

/** Returns whether a type is a version of a letter for people. */
export const isReadVersion = (contentType: string): boolean =>
  contentType === 'text/plain' || contentType === 'text/html';

/** Returns whether a type is a version of a letter for other programs, such as AMP beside HTML. */
export const isOtherVersion = (contentType: string): boolean =>
  contentType.startsWith('text/') && !isReadVersion(contentType) && !isCalendar(contentType);

/** Returns whether a type is an invitation or an event (RFC 5545). */
export const isCalendar = (contentType: string): boolean =>
  contentType === 'text/calendar' || contentType === 'application/ics';

/** Returns whether a type is a message within the message: a forwarded one, or the header of a bounce (RFC 6522, 4). */
export const isMessage = (contentType: string): boolean =>
  contentType === 'message/rfc822' || contentType === 'message/global' || contentType === 'text/rfc822-headers';

/** Returns whether a type is S/MIME with the content within the signature, or encrypted (RFC 8551, 3.2). */
export const isOpaque = (contentType: string): boolean =>
  contentType === 'application/pkcs7-mime' || contentType === 'application/x-pkcs7-mime';

/** Returns the type of a file by its name; null if the name gives none. */
export function typeOfName(filename: string | null): string | null {
  return filename?.includes('.') ? libmime.detectMimeType(filename) || null : null;
}

/** Longest name that is derived from a subject, in characters. */
const MAX_NAME = 100;

/**
 * Returns the name of an attached message or invitation, with an extension that programs can open.
 * @param title the name if it has none
 */
export function namedFile(filename: string | null, title: string, extension: '.eml' | '.ics'): string {
  if (filename === null) return `${title.replace(/\s+/g, ' ').trim().slice(0, MAX_NAME).trim()}${extension}`;
  return KNOWN_EXTENSION.test(filename) ? filename : `${filename}${extension}`;
}

const KNOWN_EXTENSION = /\.(?:eml|msg|mht|mhtml|txt|ics|ical|ifb|vcs)$/i;
