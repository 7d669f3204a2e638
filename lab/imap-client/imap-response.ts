/** A response line of an IMAP server (RFC 3501, 9), with its literals in their places. */
export type ImapValue = string | Buffer | null | ImapValue[];

/** A line of text, or the bytes of the literal that the line before it announced. */
export type Piece = string | Buffer;

/** `* 12 FETCH (UID 7 BODY[] {5}` + literal + `)` becomes ['*', '12', 'FETCH', ['UID', '7', 'BODY[]', literal]]. */
export function parseResponse(pieces: readonly Piece[]): ImapValue[] {
  const first = pieces[0] as string;
  // The text after a status is for people: its quotes and brackets may be unbalanced.
  const status = /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: (.*))?$/s.exec(first) ?? /^(\+) ?()(.*)$/s.exec(first);
  if (status) return [status[1] ?? '', status[2] ?? '', status[3] ?? ''];

  const root: ImapValue[] = [];
  const open = [root];
  const add = (value: ImapValue) => open.at(-1)?.push(value);
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      add(piece);
      continue;
    }
    for (const [token, quoted] of piece.matchAll(/"((?:[^"\\]|\\.)*)"|[()]|[^\s()"]+/g)) {
      if (token === '(') {
        const list: ImapValue[] = [];
        add(list);
        open.push(list);
      } else if (token === ')') {
        open.pop();
      } else if (quoted !== undefined) {
        add(quoted.replace(/\\(.)/g, '$1'));
      } else if (!/^\{\d+\}$/.test(token)) {
        add(token === 'NIL' ? null : token);
      }
    }
  }
  return root;
}

export function text(value: ImapValue | undefined): string {
  return Buffer.isBuffer(value) ? value.toString() : typeof value === 'string' ? value : '';
}

export function list(value: ImapValue | undefined): ImapValue[] {
  return Array.isArray(value) ? value : [];
}
