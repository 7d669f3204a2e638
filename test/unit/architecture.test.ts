import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/**
 * The rooms of src/ and what each may import of the others (a room, or one file of it), read from the table of
 * docs/architecture.md, so that the page is what the code obeys.
 */
const ROOT = join(import.meta.dirname, '../..');
const SRC = join(ROOT, 'src');
const ROW = /^\| `([\w.-]+)\/?` \|[^|]*\|([^|]*)\|$/gm;

const IMPORT = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const rooms = new Map([...page.matchAll(ROW)].map(([, room, may]) => [room!, namesIn(may!)]));
const imports = importsBetweenRooms();

test('every room of src/ is in the table, and nothing else is', () => {
  const there = readdirSync(SRC).filter((name) => name !== 'generated');
  expect([...rooms.keys()].sort()).toEqual(there.sort());
});

test('a room is listed below all that it may import: no circles', () => {
  const order = [...rooms.keys()];
  for (const [room, may] of rooms) {
    for (const other of may) expect(order.slice(0, order.indexOf(room)), `for ${room}`).toContain(roomOf(other));
  }
});

test('imports, those of types too, go where the table allows', () => {
  const wrong = imports
    .filter(({ file, target }) => !(rooms.get(roomOf(file)) ?? []).some((allowed) => isWithin(target, allowed)))
    .map(({ file, target }) => `src/${file} imports src/${target}`);
  expect(wrong).toEqual([]);
});

test('what the table allows is used', () => {
  for (const [room, may] of rooms) {
    const targets = imports.filter(({ file }) => roomOf(file) === room).map(({ target }) => target);
    const unused = may.filter((allowed) => !targets.some((target) => isWithin(target, allowed)));
    expect(unused, `for ${room}`).toEqual([]);
  }
});

type Import = { file: string; target: string };

/** Imports from one room to another, of files relative to src/. */
function importsBetweenRooms(): Import[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('generated'))
    .flatMap((file) =>
      [...readFileSync(join(SRC, file), 'utf8').matchAll(IMPORT)].map(([, target]) => ({
        file,
        target: join(dirname(file), target!),
      })),
    )
    .filter(({ file, target }) => !['..', 'generated', roomOf(file)].includes(roomOf(target)));
}

function roomOf(file: string): string {
  return file.split('/')[0]!;
}

function isWithin(target: string, allowed: string): boolean {
  return target === allowed || target.startsWith(`${allowed}/`);
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}
