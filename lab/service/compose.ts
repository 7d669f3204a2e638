import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');

export type ComposeService = {
  image?: string;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  command?: string[];
  deploy?: { replicas: number };
  ports?: string[];
  read_only?: boolean;
  user?: string;
  cap_drop?: string[];
  security_opt?: string[];
  mem_limit?: string;
  pids_limit?: number;
  profiles?: string[];
  healthcheck?: { test: string[] };
};

/** The variables that deploy/make-env.sh writes. */
function madeEnv(): string {
  const folder = mkdtempSync(join(tmpdir(), 'make-env-'));
  try {
    execFileSync('sh', ['deploy/make-env.sh', join(folder, '.env')], { cwd: ROOT, stdio: 'ignore' });
    return readFileSync(join(folder, '.env'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The keys of a new installation, created by deploy/make-env.sh. */
export const composeEnv: Readonly<Record<string, string>> = Object.fromEntries(
  madeEnv()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);

export const composeText = readFileSync(join(ROOT, 'compose.yaml'), 'utf8');

/** What Compose makes of compose.yaml with these keys. */
export const compose = filled(parse(composeText, { merge: true })) as { services: Record<string, ComposeService> };

/** Substitutes variables in a value: `${NAME:?message}`, `${NAME:-default}`, `$$`. */
function filled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filled);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner)]));
  }
  if (typeof value !== 'string') return value;
  return value.replace(
    /\$\$|\$\{(\w+)(?::([?-])([^}]*))?\}/g,
    (whole, name: string | undefined, kind: string | undefined, text: string | undefined) => {
      if (name === undefined) return '$';
      const given = composeEnv[name] ?? (kind === '-' ? text : undefined);
      if (given === undefined) throw new Error(`deploy/make-env.sh does not print what ${whole} wants`);
      return given;
    },
  );
}
