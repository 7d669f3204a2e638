const ANNOUNCED = /~?\{(\d+)\+?\}\r\n$/;
const CRLF = '\r\n';

/**
 * Cuts a stream of IMAP, in either direction, into what belongs together: a line with the literals that it announces,
 * up to the CRLF that ends it (RFC 9051, 2.2). Nothing is changed: the units put together are the stream.
 */
export class ImapUnits {
  #received = Buffer.alloc(0);
  /** Up to here what was received belongs to the unit that is not complete. */
  #scanned = 0;

  /** What became complete by this. */
  push(chunk: Buffer): Buffer[] {
    this.#received = Buffer.concat([this.#received, chunk]);
    const units: Buffer[] = [];
    for (;;) {
      const end = this.#received.indexOf(CRLF, this.#scanned);
      if (end < 0) return units;
      const line = this.#received.subarray(this.#scanned, end + 2).toString('latin1');
      const literal = ANNOUNCED.exec(line);
      this.#scanned = end + 2 + (literal ? Number(literal[1]) : 0);
      if (literal) {
        // The rest of the line follows the literal, and may announce another.
        if (this.#received.length < this.#scanned) return this.#later(end + 2 - line.length, units);
        continue;
      }
      units.push(this.#received.subarray(0, this.#scanned));
      this.#received = this.#received.subarray(this.#scanned);
      this.#scanned = 0;
    }
  }

  /** The literal is not all there: its line is looked at again with more of it. */
  #later(lineStart: number, units: Buffer[]): Buffer[] {
    this.#scanned = lineStart;
    return units;
  }
}

/** The first line of a unit, without its CRLF. */
export function firstLine(unit: Buffer): string {
  return unit.subarray(0, unit.indexOf(CRLF)).toString('latin1');
}
