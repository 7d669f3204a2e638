import libmime from 'libmime';

/** Types that are shown as text or HTML, unless they are files. */
export const isShownType = (contentType: string): boolean => SHOWN.has(contentType);

const SHOWN: ReadonlySet<string> = new Set([
  'text/plain',
  'text/html',
  'text/markdown',
  'text/enriched',
  'message/delivery-status',
  'message/global-delivery-status',
]);

/** Of several versions of a letter one that people read. */
export const isReadVersion = (contentType: string): boolean =>
  contentType === 'text/plain' || contentType === 'text/html';

/** Such as AMP beside HTML: another version of a letter, for other programs. */
export const isOtherVersion = (contentType: string): boolean =>
  contentType.startsWith('text/') && !isReadVersion(contentType) && !isCalendar(contentType);

/** An invitation or an event (RFC 5545). */
export const isCalendar = (contentType: string): boolean =>
  contentType === 'text/calendar' || contentType === 'application/ics';

/** A message within the message, such as one that was forwarded, or the header of one that came back (RFC 6522, 4). */
export const isMessage = (contentType: string): boolean =>
  contentType === 'message/rfc822' || contentType === 'message/global' || contentType === 'text/rfc822-headers';

/** S/MIME with the content within the signature, or encrypted (RFC 8551, 3.2). */
export const isOpaque = (contentType: string): boolean =>
  contentType === 'application/pkcs7-mime' || contentType === 'application/x-pkcs7-mime';

/** The type of a file by its name; null when the name says nothing. */
export function typeOfName(filename: string | null): string | null {
  return filename?.includes('.') ? libmime.detectMimeType(filename) || null : null;
}

/** Longest name that is made of a subject, in characters. */
const MAX_NAME = 100;

/**
 * The name of an attached message or invitation that programs know how to open.
 * @param title what it is called when it has no name
 */
export function namedFile(filename: string | null, title: string, extension: '.eml' | '.ics'): string {
  if (filename === null) return `${title.replace(/\s+/g, ' ').trim().slice(0, MAX_NAME).trim()}${extension}`;
  return KNOWN_EXTENSION.test(filename) ? filename : `${filename}${extension}`;
}

const KNOWN_EXTENSION = /\.(?:eml|msg|mht|mhtml|txt|ics|ical|ifb|vcs)$/i;
