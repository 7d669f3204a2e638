import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/**
 * The modules of src/ and their allowed imports (a module, or one file of it), read from the table of
 * docs/architecture.md, so that the code follows the page.
 */
const ROOT = join(import.meta.dirname, '../..');
const SRC = join(ROOT, 'src');
const ROW = /^\| `([\w.-]+)\/?` \|[^|]*\|([^|]*)\|$/gm;

const IMPORT = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const [ofSource = '', ofFolders = ''] = page.split('Outside `src/`');
const rooms = rowsIn(ofSource);
const imports = importsBetweenRooms();

test('the table of docs/architecture.md lists every module of src/, and no other', () => {
  const there = readdirSync(SRC).filter((name) => name !== 'generated');
  expect([...rooms.keys()].sort()).toEqual(there.sort());
});

test('each module is listed below all that it may import, so there is no circle', () => {
  const order = [...rooms.keys()];
  for (const [room, may] of rooms) {
    for (const other of may) expect(order.slice(0, order.indexOf(room)), `for ${room}`).toContain(roomOf(other));
  }
});

test('all imports, including those of types, are allowed by the table', () => {
  const wrong = imports
    .filter(({ file, target }) => !(rooms.get(roomOf(file)) ?? []).some((allowed) => isWithin(target, allowed)))
    .map(({ file, target }) => `src/${file} imports src/${target}`);
  expect(wrong).toEqual([]);
});

test('every import that the table allows is used', () => {
  for (const [room, may] of rooms) {
    const targets = imports.filter(({ file }) => roomOf(file) === room).map(({ target }) => target);
    const unused = may.filter((allowed) => !targets.some((target) => isWithin(target, allowed)));
    expect(unused, `for ${room}`).toEqual([]);
  }
});

test('no files import each other in a circle, not even for types', () => {
  const imported = importsOfFiles();
  const isDone = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (isDone.has(file) || path.includes(file)) return;
    for (const target of imported.get(file) ?? []) visit(target, [...path, file]);
    isDone.add(file);
  };
  for (const file of imported.keys()) visit(file, []);
  expect(circles).toEqual([]);
});

test('imports between the folders outside src/ go where their table allows', () => {
  const folders = rowsIn(ofFolders);
  expect([...folders.keys()].sort()).toEqual(['bench', 'demo', 'lab', 'test']);
  const wrong = [...folders].flatMap(([folder, may]) =>
    filesIn(join(ROOT, folder))
      .flatMap((file) => importsOf(ROOT, join(folder, file)).map((target) => ({ file, target })))
      .filter(({ target }) => ![folder, ...may].includes(roomOf(target)))
      .map(({ file, target }) => `${folder}/${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

type Import = { file: string; target: string };

function rowsIn(text: string): Map<string, string[]> {
  return new Map([...text.matchAll(ROW)].map(([, room, may]) => [room!, namesIn(may!)]));
}

/** The imports of each file of src/. */
function importsOfFiles(): Map<string, string[]> {
  const files = sourceFiles();
  return new Map(files.map((file) => [file, importsOf(SRC, file).filter((target) => files.includes(target))]));
}

/** Imports from one room to another, of files relative to src/. */
function importsBetweenRooms(): Import[] {
  return sourceFiles()
    .flatMap((file) => importsOf(SRC, file).map((target) => ({ file, target })))
    .filter(({ file, target }) => !['..', 'generated', roomOf(file)].includes(roomOf(target)));
}

function sourceFiles(): string[] {
  return filesIn(SRC).filter((file) => !file.startsWith('generated'));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
}

/** The imports of a file, which like it are relative to `folder`. */
function importsOf(folder: string, file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, target]) => join(dirname(file), target!));
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
