/** Every byte as the character of its number, up to `end` bytes. Neither copies the bytes nor looks at them. */
export const latin1 = (bytes: Uint8Array, end = bytes.byteLength): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(end, bytes.byteLength)).toString('latin1');
