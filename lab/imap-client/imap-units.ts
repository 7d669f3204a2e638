const ANNOUNCED = /~?\{(\d+)\+?\}\r\n$/;
const CRLF = '\r\n';

/**
 * Splits an IMAP stream, in either direction, into units: a line with the literals that it announces, up to its final
 * CRLF (RFC 9051, 2.2). The units concatenated equal the stream.
 */
export class ImapUnits {
  #received = Buffer.alloc(0);
  /** The length of the received part of the incomplete unit. */
  #scanned = 0;

  /** Returns the units that this data completes. */
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

  /** The literal is incomplete: its line is parsed again with more data. */
  #later(lineStart: number, units: Buffer[]): Buffer[] {
    this.#scanned = lineStart;
    return units;
  }
}

/** The first line of a unit, without its CRLF. */
export function firstLine(unit: Buffer): string {
  return unit.subarray(0, unit.indexOf(CRLF)).toString('latin1');
}
