import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { printedSchema } from '../../../src/graphql/print-schema.ts';

test('schema.graphql equals the schema of the code', () => {
  expect(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8')).toBe(printedSchema());
});

test('no field has the name of a secret', () => {
  expect(
    printedSchema()
      .match(/^type [\s\S]*?^}/gm)!
      .join('\n'),
  ).not.toMatch(/^ {2}(credentials|password|secret|token)/im);
});
