import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

/**
 * PGlite's WebAssembly, with one function that V8 will never optimise: `raw_parser`, PostgreSQL's grammar, 100 kB in one
 * function that turns hot at once. Optimising it takes V8 600 MB of memory and two seconds of a core, at every start, for
 * something that runs once a statement. V8 has no flag for "not this one", but whether a function counts its calls at
 * all is decided when it is first compiled, which is when it is first called: so it is called here, in an instance of
 * its own, while V8 is told to optimise nothing. All else is optimised as ever. (`--liftoff-only`, which optimises
 * nothing at all, costs half of the speed.)
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
    // Nothing in this instance is set up, so it cannot get far: by now it is compiled, which is all that is wanted.
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  } finally {
    setFlagsFromString(`--wasm-tier-up-filter=${ALL_FUNCTIONS}`);
  }
  return module;
}

/** The only function to optimise: the index is an import's, which has no code. */
const NO_FUNCTION = 0;
const ALL_FUNCTIONS = -1;

/** What an instance needs to exist. */
function emptyImports(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === 'memory' ? new WebAssembly.Memory(MEMORY) : notThere;
  }
  return imports;
}

/** At least what PGlite asks for, in pages of 64 kB. */
const MEMORY = { initial: 2048, maximum: 32_768 };

function notThere(): never {
  throw new WebAssembly.RuntimeError('called before there is a database');
}
