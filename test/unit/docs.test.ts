import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { readConfig, SETTING_NAMES } from '../../src/config.ts';
import { ERRORS } from '../../src/errors.ts';

const ROOT = join(import.meta.dirname, '../..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** Test files by their names alone. */
const tests = new Set(
  readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).map((file) => basename(file)),
);

/** | `NAME` | `default`, perhaps with a condition, or none | what it does | */
const SETTING_ROW = /^\| `([A-Z_]+)` \| (?:`([^`]+)`)?[^|]*\|[^|]+\|$/gm;
const settings = new Map([...readme.matchAll(SETTING_ROW)].map(([, name, value]) => [name!, value]));

test('the README lists every setting, and no other', () => {
  expect([...settings.keys()].sort()).toEqual([...SETTING_NAMES].sort());
});

test.each([...settings])('%s has the default that the README states', (name, documented) => {
  const setting = name as keyof ReturnType<typeof readConfig>;
  const byDefault = readConfig({})[setting];
  expect(byDefault).toEqual(documented && readConfig({ [name]: documented })[setting]);
});

test('the operations of the README are valid', () => {
  const schema = buildSchema(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'));
  const blocks = [...readme.matchAll(/^```graphql\n(.*?)^```$/gms)].map(([, operation]) => operation!);
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) expect(validate(schema, parse(block)), block).toEqual([]);
});

test.each(['correctness', 'known-traps'])('every test and source named in docs/%s.md exists', (page) => {
  const text = readFileSync(join(ROOT, `docs/${page}.md`), 'utf8');
  const named = [...text.matchAll(/`((?:src|test|lab|bench)\/[\w./-]+|[\w-]+\.test\.ts)`/g)].map(([, path]) => path!);
  expect(named.length).toBeGreaterThan(20);
  const isThere = (name: string) => (name.includes('/') ? existsSync(join(ROOT, name)) : tests.has(name));
  expect(named.filter((name) => !isThere(name))).toEqual([]);
});

/** `NNNN-short-name.md` in docs/decisions/. */
const RECORD = /\d{4}-[a-z\d-]+\.md/g;
const DECISIONS = join(ROOT, 'docs/decisions');
const decisions = readdirSync(DECISIONS);
const HEADINGS = ['Context', 'Decision', 'Alternatives refused', 'Consequences'];
const records = decisions.filter((file) => file !== 'README.md').sort();

test('every decision record is one line of the index, and has its own number', () => {
  const index = readFileSync(join(DECISIONS, 'README.md'), 'utf8');
  const lines = [...index.matchAll(/^\| \[(\d{4})\]\((.+)\) \| (.+) \| [\d-]+ \|$/gm)];
  expect(lines.map(([, , file]) => file)).toEqual(records);
  for (const [, number, file, title] of lines) {
    const [heading] = readFileSync(join(DECISIONS, file!), 'utf8').split('\n');
    expect(heading).toBe(`# ${number}. ${title}`);
  }
  expect(new Set(records.map((file) => file.slice(0, 4))).size).toBe(records.length);
});

test('every decision record that code or documentation names exists', () => {
  const files = ['src', 'docs', 'prisma'].flatMap((directory) => filesIn(directory));
  const missing = [...files, 'README.md', 'CONTRIBUTING.md'].flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(RECORD)]
      .filter(([name]) => !records.includes(name))
      .map(([name]) => `${file}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test.each(records)('%s names files that exist, and has every heading', (record) => {
  const text = readFileSync(join(DECISIONS, record), 'utf8');
  const paths = [...text.matchAll(/`((?:src|test|lab|bench|prisma)\/[\w./-]+)`/g)].map(([, path]) => path!);
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
});

/** Text files below a directory, relative to the root. What is generated names no records. */
function filesIn(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .map((file) => join(directory, file))
    .filter((file) => /\.(md|tsx?|prisma|sql)$/.test(file) && !file.startsWith('src/generated/'));
}

const RUN = {
  retry: 'retried: it may be temporary',
  'needs-auth': 'waits for new credentials',
  fail: 'fails: the user must act',
  none: '',
} as const;

/** `vitest run test/unit/docs.test.ts -u` writes it again. */
test('docs/errors.md equals the table of src/errors.ts', async () => {
  const rows = Object.entries(ERRORS).map(([code, { sentence, audience, run }]) => {
    const isMasked = audience === 'operator' && code !== 'INTERNAL';
    const shown = isMasked ? `${sentence} (In the log; callers see \`INTERNAL\`.)` : sentence;
    return `| \`${code}\` | ${shown} | ${RUN[run]} |`;
  });
  const page = `# Error codes

A GraphQL error has its code in \`extensions.code\`; a failed run and a failed connection test have it in \`code\`. A
code never changes its meaning. The sentence may be more specific than the one below. An object of another tenant is
\`NOT_FOUND\`. \`ACCOUNT_EXISTS\` has the account's id in \`extensions.accountId\`.

| Code | Sentence | Effect on a run |
| --- | --- | --- |
${rows.join('\n')}
`;
  await expect(page).toMatchFileSnapshot('../../docs/errors.md');
});
