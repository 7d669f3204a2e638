import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  getNullableType,
  isListType,
  isObjectType,
  parse,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { MailtideError } from '../errors.ts';
import type { GraphQLContext } from './context.ts';

export const DEFAULT_PAGE = 20;
/** Who asks for longer pages is told so. */
export const MAX_PAGE = 100;

/** Words and signs of a document: GraphiQL's introspection has 350, our largest own query 200. */
const MAX_TOKENS = 2000;
/** connection > edges > node three times over, and some leaves. */
const MAX_DEPTH = 14;
/** Fields that the answer may hold, roughly: 100 messages whole cost 6,000. */
const MAX_COMPLEXITY = 20_000;
/** Lists that are no connections are short: addresses, flags, attachments. */
const LIST_LENGTH = 3;

/** What a field costs: one, and what is below it as often as it may be there. */
export function costOf(
  args: Record<string, unknown>,
  _context: GraphQLContext,
  field: GraphQLField<unknown, GraphQLContext>,
): { field: number; multiplier: number } {
  return { field: 1, multiplier: timesOf(args, field) };
}

function timesOf(args: Record<string, unknown>, field: GraphQLField<unknown, GraphQLContext>): number {
  if (isPaged(field)) return Math.max(1, pageOf(args));
  // The connection above has counted its edges already.
  if (field.name === 'edges') return 1;
  return isListType(getNullableType(field.type)) ? LIST_LENGTH : 1;
}

const isPaged = (field: GraphQLField<unknown, GraphQLContext>): boolean =>
  field.args.some((arg) => arg.name === 'first');

/** How many items are asked for. @throws BAD_USER_INPUT for less than nothing, for more than a page, and from both ends. */
function pageOf({ first, last }: Record<string, unknown>): number {
  if (first != null && last != null) throw badPage('"first" and "last" cannot be used together.');
  const [name, asked] = last == null ? ['first', first ?? DEFAULT_PAGE] : ['last', last];
  const size = Number(asked);
  if (size < 0) throw badPage(`"${name}" cannot be negative.`);
  if (size > MAX_PAGE) throw badPage(`"${name}" is at most ${MAX_PAGE}: ask for more with a cursor.`);
  return size;
}

const badPage = (message: string): MailtideError => new MailtideError('BAD_USER_INPUT', { message });

/** Says at every list how much of it can be asked for at once. */
export function describePages(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const { args } of Object.values(type.getFields())) {
      for (const arg of args) {
        if (arg.name === 'first') arg.description ??= `${DEFAULT_PAGE} where nothing is said, ${MAX_PAGE} at most.`;
        if (arg.name === 'last') arg.description ??= `As "first", from the end; not together with it.`;
      }
    }
  }
  return schema;
}

/**
 * Refuses what would cost too much before anything is resolved, over every transport: long documents while they are
 * parsed, deep and wide ones before they run. Introspection is free, and bounded by graphql's own rules.
 */
export function useLimits(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, options?: object) => parseShort(source, options));
    },
    onExecute: ({ args }) => checkCost(args),
    onSubscribe: ({ args }) => checkCost(args),
  };
}

function parseShort(source: string, options: object = {}): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS });
  } catch (error) {
    if (!/more than \d+ tokens/.test(String(error))) throw error;
    throw new MailtideError('QUERY_TOO_COMPLEX', { message: `The query has more than ${MAX_TOKENS} tokens.` });
  }
}

function checkCost({
  schema,
  document,
  variableValues,
  operationName,
}: {
  schema: GraphQLSchema;
  document: DocumentNode;
  variableValues?: Record<string, unknown> | null | undefined;
  operationName?: string | null | undefined;
}): void {
  // Only the operation that runs is measured; a document may hold others.
  const definitions = document.definitions.filter(
    (one) => one.kind !== 'OperationDefinition' || !operationName || one.name?.value === operationName,
  );
  const { depth, complexity } = complexityFromQuery(
    { ...document, definitions },
    { schema, variables: variableValues ?? {} },
  );
  if (depth > MAX_DEPTH) throw tooMuch(`a depth of ${depth}, more than ${MAX_DEPTH}`);
  if (complexity > MAX_COMPLEXITY) throw tooMuch(`a cost of ${complexity}, more than ${MAX_COMPLEXITY}`);
}

const tooMuch = (what: string): MailtideError =>
  new MailtideError('QUERY_TOO_COMPLEX', { message: `The query has ${what}: ask for less at once.` });
