/**
 * Returns whether PostgreSQL can store a text. It rejects U+0000, and jsonb (like RFC 8785) lone surrogates. Mail
 * contains both: NULs, raw or encoded, and half an emoji in a truncated string.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Returns the text without U+0000, with U+FFFD for lone surrogates. */
export function toStorable(text: string): string {
  return isStorable(text) ? text : text.replaceAll('\0', '').toWellFormed();
}
