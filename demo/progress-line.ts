import type { ProgressFragment } from '../src/generated/gql/graphql.ts';

/** Where lines are written: redrawn on a terminal, otherwise plain lines from time to time. */
export interface LineWriter {
  /** Replaces the previous line with `line`. */
  redraw(line: (columns: number) => string): void;
  /** Keeps the present line and continues below it. */
  print(text: string): void;
}

const PLAIN_EVERY_MS = 2000;
const PLAIN_COLUMNS = 100;
const CLEAR_TO_END = '\x1b[K';

export function createLineWriter(output: NodeJS.WriteStream): LineWriter {
  let drawn = false;
  let last = Number.NEGATIVE_INFINITY;
  return {
    redraw(line) {
      if (output.isTTY) {
        drawn = true;
        // A line that fills the last column would wrap, and the next one would be drawn below it.
        output.write(`\r${line(output.columns - 1)}${CLEAR_TO_END}`);
      } else if (performance.now() - last > PLAIN_EVERY_MS) {
        last = performance.now();
        output.write(`${line(PLAIN_COLUMNS)}\n`);
      }
    },
    print(text) {
      output.write(`${drawn ? '\n' : ''}${text}\n`);
      drawn = false;
    },
  };
}

export const number = (value: number): string => Math.round(value).toLocaleString('en');

/**
 * Formats a frame as a line of at most `columns` characters: phase, mailbox, bar, counts, percent, speed, time left.
 */
export function progressLine(frame: ProgressFragment, columns: number): string {
  const { phase, mailbox, messagesProcessed, messagesTotal, percent, messagesPerSecond, etaSeconds } = frame;
  const left = `${phase.toLowerCase().padEnd(11)} ${(mailbox ?? '').slice(0, 16).padEnd(8)} `;
  const right = [
    messagesTotal === null ? '' : ` ${number(messagesProcessed)}/${number(messagesTotal)}`.padStart(14),
    percent === null ? '' : `${Math.floor(percent)} %`.padStart(6),
    messagesPerSecond === null ? '' : `${number(messagesPerSecond)}/s`.padStart(9),
    etaSeconds === null ? '' : `${number(etaSeconds)} s left`.padStart(12),
  ].join('');
  const width = Math.min(40, columns - left.length - 46);
  return `${left}${width < 8 ? '' : bar(percent ?? 0, width)}${right}`.slice(0, columns);
}

function bar(percent: number, width: number): string {
  const full = Math.floor((percent / 100) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
