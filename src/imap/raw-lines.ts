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
 * Shows every response to `onLine` before imapflow reads it; one that `onLine` takes, by answering true, imapflow does
 * not see. imapflow skips a line that breaks the grammar, with no word but one to its log.
 */
export function tapLines(client: ImapFlow, onLine: (line: RawLine) => boolean): void {
  // How every response comes in; not in imapflow's types.
  const reader = client as unknown as Reader;
  const handle = reader.handleResponse.bind(client);
  reader.handleResponse = (answer) => {
    const { payload, literals = [] } = answer;
    // '*', and no digit: most untagged responses are the rows of a FETCH, and those are left alone.
    const isWord = payload[0] === 0x2a && !((payload[2] ?? 0) >= 0x30 && (payload[2] ?? 0) <= 0x39);
    // One byte more than a line may have, so that a cut one is seen to be too long.
    return isWord && onLine({ text: payload.toString('latin1', 0, MAX_LINE + 1), literals })
      ? Promise.resolve(true)
      : handle(answer);
  };
}
