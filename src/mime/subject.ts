import libmime from 'libmime';
import { toStorable } from '../domain/storable-text.ts';
import type { HeaderFields } from './header-fields.ts';

/** Returns the subject of a message; null if it has none. */
export function subjectOf({ values }: HeaderFields): string | null {
  const written = values.get('subject');
  return (written && toStorable(libmime.decodeWords(written).trim())) || null;
}
