/** Returns every byte as the character of the same number, up to `end` bytes, without copying or checking the bytes. */
export const latin1 = (bytes: Uint8Array, end = bytes.byteLength): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(end, bytes.byteLength)).toString('latin1');
