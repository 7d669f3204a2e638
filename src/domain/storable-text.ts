/**
 * PostgreSQL takes any text but U+0000, and jsonb (like RFC 8785) no lone surrogates. Both come with mail: NULs sent as
 * they are or encoded, half an emoji where somebody cut a string.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** The text without U+0000, with U+FFFD for lone surrogates. */
export function toStorable(text: string): string {
  return isStorable(text) ? text : text.replaceAll('\0', '').toWellFormed();
}
