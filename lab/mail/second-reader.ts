import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What another program reads in a message. */
export interface SecondReading {
  readonly name: string;
  /** The exception, if it failed. */
  readonly failed?: string;
  readonly subject: string | null;
  /** Addresses. */
  readonly from: readonly string[];
  /** The text of all text and HTML parts, without tags. */
  readonly text: string;
  /** The names of all parts that have a file name. */
  readonly names: readonly string[];
}

/** Reads messages with Python's email package, one after the other, and returns the results in the same order. */
export async function* readWithPython(
  messages: Iterable<{ name: string; bytes: Buffer }>,
): AsyncGenerator<{ bytes: Buffer; reading: SecondReading }> {
  const script = new URL('../../test/long/second_reader.py', import.meta.url).pathname;
  const python = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const underWay: Buffer[] = [];
  const feeding = feed();
  try {
    for await (const line of createInterface({ input: python.stdout })) {
      yield { bytes: underWay.shift()!, reading: JSON.parse(line) as SecondReading };
    }
    await feeding;
  } finally {
    python.kill();
  }

  async function feed(): Promise<void> {
    for (const { name, bytes } of messages) {
      underWay.push(bytes);
      const task = `${JSON.stringify({ name, bytes: bytes.toString('base64') })}\n`;
      if (!python.stdin.write(task)) await once(python.stdin, 'drain');
    }
    python.stdin.end();
  }
}
