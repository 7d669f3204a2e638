import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { printedSchema } from '../../../src/graphql/print-schema.ts';

test('schema.graphql is what the code says', () => {
  expect(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8')).toBe(printedSchema());
});

test('no field is called like a secret', () => {
  expect(
    printedSchema()
      .match(/^type [\s\S]*?^}/gm)!
      .join('\n'),
  ).not.toMatch(/^ {2}(credentials|password|secret|token)/im);
});
