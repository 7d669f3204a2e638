/** Several byte strings in one buffer, which can be transferred to another thread without a copy. */
export interface PackedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The end of each of them. */
  readonly ends: readonly number[];
}

export function packBytes(parts: readonly Uint8Array[]): PackedBytes {
  let end = 0;
  const ends = parts.map((part) => {
    end += part.length;
    return end;
  });
  // Not Buffer.concat: it may take a slice of Node's shared pool, which cannot be transferred.
  const bytes = new Uint8Array(end);
  for (const [i, part] of parts.entries()) bytes.set(part, ends[i]! - part.length);
  return { bytes, ends };
}

export function unpackBytes({ bytes, ends }: PackedBytes): Buffer[] {
  return ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    return asBuffer(bytes.subarray(start, end));
  });
}

/** Returns a view of the same bytes as a Buffer, which Node's functions accept. */
export function asBuffer({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.from(buffer, byteOffset, length);
}
