import { globSync, readFileSync } from 'node:fs';
import { parseAst } from 'vite';

export interface Pattern {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

/** Files whose pattern consists of escaped literals, which cannot backtrack. */
const LITERALS_ONLY = new Set(['src/imap/redact.ts']);

/** Every regular expression in the source, literal or from a template. Substitutions in a template count as `x`. */
export function patternsIn(folder: string): Pattern[] {
  return globSync(`${folder}/**/*.{ts,tsx}`, { exclude: (name) => name.includes('generated') }).flatMap((file) =>
    patternsOf(file, readFileSync(file, 'utf8')),
  );
}

export function patternsOf(file: string, code: string): Pattern[] {
  const found: Pattern[] = [];
  visit(parseAst(code, { lang: file.endsWith('x') ? 'tsx' : 'ts' }, file), (node) => {
    if (node['type'] === 'Literal' && isNode(node['regex'])) {
      found.push({ file, source: String(node['regex']['pattern']), flags: String(node['regex']['flags']) });
    }
    if (node['type'] === 'NewExpression' && isNode(node['callee']) && node['callee']['name'] === 'RegExp') {
      const [pattern, flags] = node['arguments'] as Node[];
      const source = textOf(pattern!);
      if (source !== null) found.push({ file, source, flags: (flags && textOf(flags)) ?? '' });
      else if (!LITERALS_ONLY.has(file)) throw new Error(`${file}: a pattern that is neither a literal nor a template`);
    }
  });
  return found;
}

type Node = Record<string, unknown>;
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

function visit(value: unknown, see: (node: Node) => void): void {
  if (!isNode(value)) return;
  see(value);
  for (const child of Object.values(value)) visit(child, see);
}

function textOf(node: Node): string | null {
  if (node['type'] === 'Literal') return String(node['value']);
  if (node['type'] !== 'TemplateLiteral') return null;
  const quasis = node['quasis'] as { value: { cooked: string } }[];
  return quasis.map(({ value }) => value.cooked).join('x');
}
