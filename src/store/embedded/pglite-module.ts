import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

/**
 * Compiles PGlite's WebAssembly so that V8 never optimises one function: `raw_parser`, PostgreSQL's grammar, 100 kB in
 * one function that becomes hot at once. Optimising it takes V8 600 MB of memory and two seconds of a core at every
 * start, for a function that runs once per statement.
 *
 * V8 has no flag to exclude a function. But it decides whether a function counts its calls when it first compiles it,
 * which is at its first call. So the function is called here, in an instance of its own, while a flag prevents all
 * optimisation. All other functions are optimised as usual.
 *
 * A flag that optimises nothing costs half of the speed: docs/decisions/0012-grammar-is-never-optimised.md.
 */
export function compilePgliteModule(): WebAssembly.Module {
  const file = new URL('./pglite.wasm', import.meta.resolve('@electric-sql/pglite'));
  const module = new WebAssembly.Module(readFileSync(file));
  const { raw_parser: rawParser } = new WebAssembly.Instance(module, emptyImports(module)).exports;
  if (typeof rawParser !== 'function') throw new Error('PGlite has no raw_parser any more');
  setFlagsFromString(`--wasm-tier-up-filter=${NO_FUNCTION}`);
  try {
    rawParser(0, 0);
  } catch (error) {
    // The instance is not initialised, so the call fails. The function is compiled now, which is all that is needed.
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  } finally {
    setFlagsFromString(`--wasm-tier-up-filter=${ALL_FUNCTIONS}`);
  }
  return module;
}

/** Index of the only function to optimise. It is that of an import, which has no code. */
const NO_FUNCTION = 0;
const ALL_FUNCTIONS = -1;

/** Returns imports with which the module can be instantiated. */
function emptyImports(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === 'memory' ? new WebAssembly.Memory(MEMORY) : notThere;
  }
  return imports;
}

/** At least what PGlite requires, in pages of 64 kB. */
const MEMORY = { initial: 2048, maximum: 32_768 };

function notThere(): never {
  throw new WebAssembly.RuntimeError('called before there is a database');
}
