import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
} from 'graphql';
import type { Random } from '../random.ts';

/** Values of requests, valid and unusual. */
export interface Values {
  readonly ids: readonly string[];
  readonly cursors: readonly string[];
}

export interface RandomRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

const TEXTS = [
  '',
  'word',
  '"a phrase',
  '-not or',
  '%_\\',
  "';--",
  '\u0000',
  '\ud83d',
  'x'.repeat(5000),
  '日本語',
  '(((',
  '"',
];
const NUMBERS = [0, 1, 20, 100, 101, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 1e300, 0.5];
const BIG = ['0', '1', '-1', '9223372036854775807', '9223372036854775808', '-9223372036854775809', '9'.repeat(40), 'x'];
const DATES = [
  '2026-11-23T09:30:00.000Z',
  '0000-01-01',
  '+275000-01-01T00:00:00.000Z',
  '-200000-01-01T00:00:00.000Z',
  '',
];
const ODD = [null, true, [], {}, [[1]], { a: { b: null } }, 'x', 7, -0, ['x', null]];

/** A request whose fields, arguments, aliases, fragments and directives are mostly those of the schema. */
export function randomRequest(schema: GraphQLSchema, random: Random, values: Values): RandomRequest {
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const fragments: string[] = [];
  const kind = random.chance(0.9) ? 'query' : 'mutation';
  const root = (kind === 'query' ? schema.getQueryType() : schema.getMutationType())!;

  function valueFor(type: GraphQLInputType, name: string): unknown {
    if (random.chance(0.05)) return random.pick(ODD);
    const nullable = getNullableType(type);
    if (isListType(nullable)) return Array.from({ length: random.below(4) }, () => valueFor(nullable.ofType, name));
    const named = getNamedType(type);
    if (isInputObjectType(named)) {
      const fields = Object.values(named.getFields()).filter(() => random.chance(0.8));
      return Object.fromEntries(fields.map((field) => [field.name, valueFor(field.type, field.name)]));
    }
    if (isEnumType(named)) return random.pick([...named.getValues().map((one) => one.name), 'NOTHING']);
    if (name === 'after' || name === 'before') return random.pick(values.cursors);
    if (name === 'host') return '127.0.0.1';
    if (name === 'port') return 1;
    if (named.name === 'ID') return random.pick([...values.ids, ...TEXTS]);
    if (named.name === 'Int' || named.name === 'Float') return random.pick(NUMBERS);
    if (named.name === 'Boolean') return random.chance(0.5);
    if (named.name === 'BigInt') return random.pick(BIG);
    return named.name === 'DateTime' ? random.pick(DATES) : random.pick(TEXTS);
  }

  function argumentsOf(field: GraphQLField<unknown, unknown>): string {
    const given = field.args.filter((arg) => random.chance(String(arg.type).endsWith('!') ? 0.97 : 0.3));
    if (given.length === 0) return '';
    return `(${given
      .map((arg) => {
        const name = `v${declared.length}`;
        declared.push(`$${name}: ${String(arg.type)}`);
        variables[name] = valueFor(arg.type, arg.name);
        return `${arg.name}: $${name}`;
      })
      .join(', ')})`;
  }

  function selectionOf(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields()).filter(
      (field) => depth > 0 || !isObjectType(getNamedType(field.type)),
    );
    const chosen = Array.from({ length: 1 + random.below(5) }, (_, i) => {
      if (fields.length === 0 || random.chance(0.05)) return '__typename';
      const field = random.pick(fields);
      const named = getNamedType(field.type);
      const below = isObjectType(named) ? ` { ${selectionOf(named, depth - 1)} }` : '';
      const one = (alias: string): string => `${alias}: ${field.name}${argumentsOf(field)}${below}`;
      const count = random.chance(0.05) ? 1 + random.below(120) : 1;
      const text = Array.from({ length: count }, (__, j) => one(`a${depth}_${i}_${j}_${declared.length}`)).join(' ');
      return random.chance(0.1) ? `... on ${type.name} @include(if: true) { ${text} }` : text;
    }).join(' ');
    if (!random.chance(0.1)) return chosen;
    const name = `F${fragments.length}`;
    fragments.push(`fragment ${name} on ${type.name} { ${chosen} }`);
    return `...${name} `.repeat(1 + random.below(20));
  }

  const selection = random.chance(0.1) ? introspection(random) : selectionOf(root, 1 + random.below(7));
  const head = declared.length > 0 ? `(${declared.join(', ')})` : '';
  const query = `${kind} Q${head} { ${selection} } ${fragments.join(' ')}`;
  return { query: random.chance(0.05) ? broken(query, random) : query, variables };
}

function introspection(random: Random): string {
  const times = (text: string): string =>
    Array.from({ length: 1 + random.below(40) }, (_, i) => `a${i}: ${text}`).join(' ');
  return times(
    `__schema { ${times(`types { ${times('fields { name type { name ofType { name } } args { name } }')} }`)} }`,
  );
}

function broken(query: string, random: Random): string {
  const at = random.below(query.length);
  return `${query.slice(0, at)}${random.pick(['', '{', '}', '"', '$', '...', '\u0000', '(', '"""'])}${query.slice(at + random.below(9))}`;
}
