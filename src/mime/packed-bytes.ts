/** Several byte strings as one, which crosses to another thread without being copied. */
export interface PackedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each of them ends. */
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

/** The same bytes, as what Node's functions like to take. */
export function asBuffer({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.from(buffer, byteOffset, length);
}
