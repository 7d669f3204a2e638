import { corpus } from './corpus.ts';
import type { LaidDownMail } from './maildir.ts';

/** Different real messages, by their position in the corpus. */
export function mails(from: number, to: number): LaidDownMail[] {
  return [
    ...corpus()
      .drop(from)
      .take(to - from),
  ].map(({ bytes }) => ({ bytes }));
}
