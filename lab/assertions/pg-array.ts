/** The items of a one-dimensional array in PostgreSQL's binary form. */
export function readPgArray(array: Uint8Array): (Buffer | null)[] {
  const buffer = Buffer.from(array.buffer, array.byteOffset, array.length);
  const items: (Buffer | null)[] = [];
  let at = 20;
  while (at < buffer.length) {
    const length = buffer.readInt32BE(at);
    at += 4;
    items.push(length < 0 ? null : buffer.subarray(at, at + length));
    at += Math.max(0, length);
  }
  if (at !== buffer.length || items.length !== buffer.readInt32BE(12)) throw new Error('not a binary array');
  return items;
}
