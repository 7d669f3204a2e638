import { expect } from 'vitest';

/** All commands of a client that only reads: no STORE, EXPUNGE, CLOSE, APPEND, COPY, MOVE, CREATE, RENAME. */
const READING = [
  'CAPABILITY',
  'LOGIN',
  'AUTHENTICATE',
  'ID',
  'ENABLE',
  'NAMESPACE',
  'NOOP',
  'LOGOUT',
  'LIST',
  'LSUB',
  'STATUS',
  'SELECT',
  'UID SEARCH',
  'UID FETCH',
];

/** Checks commands that a proxy recorded: reading ones only, and no FETCH that would set \Seen (RFC 9051, 6.4.5). */
export function expectOnlyRead(commands: readonly string[]): void {
  const names = new Set(commands.map((line) => /^\S+ ((?:UID )?\S+)/.exec(line)?.[1] ?? line));
  expect(names).toContain('UID FETCH');
  expect([...names].filter((name) => !READING.includes(name))).toEqual([]);
  expect(commands.filter((line) => /BODY(?!\.PEEK\[)|RFC822(?!\.SIZE)/.test(line))).toEqual([]);
}
