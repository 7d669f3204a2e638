import { decodeHTML } from 'entities';
import type { ParsedMessage } from '../../src/domain/parsed-message.ts';
import type { SecondReading } from './second-reader.ts';

/** A field of a message that two readers read differently. */
export interface Difference {
  readonly field: 'subject' | 'from' | 'names' | 'words lost' | 'words added';
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
}

/** Returns how two readings of a message differ, apart from white space and Unicode normalisation. */
export function compareReadings(reading: SecondReading, parsed: ParsedMessage): Difference[] {
  const html = parsed.html ? decodeHTML(parsed.html.replace(/<style.*?<\/style>|<[^<>]*>/gis, ' ')) : '';
  const theirs = wordsOf(reading.text);
  const [text, all] = [wordsOf(parsed.text), wordsOf(`${parsed.text} ${html}`)];
  const differences: Difference[] = [
    { field: 'subject', theirs: [folded(reading.subject ?? '')], ours: [folded(parsed.subject ?? '')] },
    {
      field: 'from',
      theirs: reading.from.filter((address) => address !== ''),
      ours: parsed.from.flatMap(({ address }) => address ?? []),
    },
    {
      field: 'names',
      theirs: reading.names.map(folded).toSorted(),
      ours: parsed.attachments.flatMap(({ filename }) => (filename === null ? [] : folded(filename))).toSorted(),
    },
    { field: 'words lost', theirs: [...theirs.difference(all)], ours: [] },
    { field: 'words added', theirs: [], ours: [...text.difference(theirs)] },
  ];
  return differences.filter(({ theirs, ours }) => theirs.join('\n') !== ours.join('\n'));
}

const folded = (text: string): string => text.replaceAll('\0', '').replace(/\s+/g, ' ').trim();

const wordsOf = (text: string): Set<string> =>
  new Set(
    text
      .replaceAll('\0', '')
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]{2,}/gu),
  );
