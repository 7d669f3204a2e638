import type { ImapFlow } from 'imapflow';
import { MAX_LINE, type RawLine } from './list-lines.ts';

interface Answer {
  readonly payload: Buffer;
  readonly literals?: readonly Buffer[];
}

interface Reader {
  handleResponse(answer: Answer): Promise<boolean>;
}

/**
 * Passes every response to `onLine` before imapflow reads it. If `onLine` returns true, imapflow does not see the
 * response. imapflow itself skips a line that violates the grammar and only logs it
 * (docs/decisions/0020-own-readers-beside-imapflow.md).
 */
export function tapLines(client: ImapFlow, onLine: (line: RawLine) => boolean): void {
  // The entry point of every response, which imapflow's types omit.
  const reader = client as unknown as Reader;
  const handle = reader.handleResponse.bind(client);
  reader.handleResponse = (answer) => {
    const { payload, literals = [] } = answer;
    // '*' and no digit: most untagged responses are FETCH rows, which pass through.
    const isWord = payload[0] === 0x2a && !((payload[2] ?? 0) >= 0x30 && (payload[2] ?? 0) <= 0x39);
    // One byte more than the limit, so that a truncated line is recognised as too long.
    return isWord && onLine({ text: payload.toString('latin1', 0, MAX_LINE + 1), literals })
      ? Promise.resolve(true)
      : handle(answer);
  };
}
