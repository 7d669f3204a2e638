import fc from 'fast-check';
import { analyse } from 'scslre';
import { expect, test } from 'vitest';
import { growsSuperLinearly } from './growth.ts';
import { type Pattern, patternsIn, patternsOf } from './patterns.ts';

/** Random by default; `PATTERNS_SEED` repeats a run. */
const SEED = Number(process.env['PATTERNS_SEED'] ?? Date.now() % 2 ** 31);
const ATTACKS = 25;

/**
 * Input on which a regular expression may be slow when repeated: its own words, one by one and a few of them together.
 */
function attacksOn({ source }: Pattern): string[] {
  const own = piecesOf(source);
  const neighbours = own.map((piece, i) => piece + (own[i + 1] ?? ''));
  const pieces = [...new Set([' ', 'a', '0', '\n', ...own, ...neighbours])];
  const together = fc.array(fc.constantFrom(...pieces), { minLength: 2, maxLength: 3 }).map((some) => some.join(''));
  return [...pieces, ...fc.sample(together, { seed: SEED, numRuns: ATTACKS })];
}

/** The literal text between the operators of a pattern. */
const piecesOf = (source: string): string[] =>
  source
    .replace(/\[(?:\\.|[^\]\\])*\]/g, '')
    .replace(/\\([a-z])/gi, ' ')
    .split(/\(\?[:=!<]*|[()|*+?^$]|\{\d+,?\d*\}/)
    .map((piece) => piece.replaceAll('\\', ''))
    .filter(Boolean);

/** An attack that takes more than linear time, or null. */
function weakness(pattern: Pattern): string | null {
  const expression = new RegExp(pattern.source, pattern.flags);
  const text = (pump: string, length: number) => `${pump.repeat(Math.ceil(length / pump.length))}\0`;
  const attack = attacksOn(pattern).find((pump) =>
    growsSuperLinearly((length) => text(pump, length).replace(expression, '')),
  );
  return attack === undefined ? null : JSON.stringify(attack);
}

const found = patternsIn('src');
const cases = found.map((pattern): [string, Pattern] => [`${pattern.file} /${pattern.source}/`, pattern]);

test('patterns in the source are found, in literals and in templates', () => {
  const code = 'const a = /x+/gi; const b = (t: string) => new RegExp(`^(' + '$' + '{t})\\\\s*`, "m");';
  expect(patternsOf('some.ts', code)).toEqual([
    { file: 'some.ts', source: 'x+', flags: 'gi' },
    { file: 'some.ts', source: '^(x)\\s*', flags: 'm' },
  ]);
  expect(found.length).toBeGreaterThan(50);
});

test.each(cases)('%s, by analysis, backtracks at most linearly', (_name, { source, flags }) => {
  const reports = analyse({ source, flags }, { maxReports: 1 }).reports;
  expect(reports.map(({ type, character }) => `${type} of ${JSON.stringify(character.pick)}`)).toEqual([]);
});

test(`all patterns take linear time on their own words (PATTERNS_SEED=${SEED})`, () => {
  const weak = found.flatMap((pattern) => {
    const attack = weakness(pattern);
    return attack === null ? [] : [`${pattern.file} /${pattern.source}/ on ${attack}`];
  });
  expect(weak).toEqual([]);
}, 120_000);

test.each([
  ['two runs of white space', 'url\\(\\s*["\']?\\s*\\/\\/', 'i'],
  ['an element without an end, many times', '(<style[^<>]*>)([^<]*(?:<(?!\\/style)[^<]*)*)(<\\/style>)', 'g'],
  ['alternatives within a repetition', '^(?:a|aa)+$', ''],
])('a pattern with %s, is reported', (_what, source, flags) => {
  const pattern = { file: 'example', source, flags };
  const isFound = analyse({ source, flags }).reports.length > 0 || weakness(pattern) !== null;
  expect(isFound).toBe(true);
});
