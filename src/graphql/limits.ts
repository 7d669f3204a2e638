import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLField,
  type GraphQLSchema,
  getNullableType,
  getOperationAST,
  isListType,
  isObjectType,
  parse,
  valueFromASTUntyped,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { MailtideError } from '../errors.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { GraphQLContext } from './context.ts';
import { checkDocument, tooMuch } from './document-limits.ts';
import { createIntrospectionLimit } from './introspection-cost.ts';
import { checkLists, DEFAULT_PAGE, MAX_PAGE, pageOf } from './list-arguments.ts';
import { checkTexts } from './storable-input.ts';

/** Tokens of a document. GraphiQL's introspection has 350, the page's largest query 200. */
const MAX_TOKENS = 2000;
/** Three times connection > edges > node, plus a few leaves. */
const MAX_DEPTH = 14;
/** Approximate number of fields in the answer. 100 messages without their texts cost 6,000. */
const MAX_COMPLEXITY = 20_000;
/** Length of an operation's variables as JSON, in characters. The longest real values are passwords and tokens. */
const MAX_VARIABLES = 64 * 1024;
/** Time limit of a query, in ms. Mutations have none, because they must not stop halfway, and all of them end. */
export const QUERY_TIME_LIMIT_MS = 30_000;
/** Assumed length of lists that are not connections: addresses, flags, attachments. */
const LIST_LENGTH = 3;

/** Returns the cost of a field: one, plus the cost of its selection times the number of items that it may return. */
export function costOf(
  args: Record<string, unknown>,
  _context: GraphQLContext,
  field: GraphQLField<unknown, GraphQLContext>,
): { field: number; multiplier: number } {
  return { field: 1, multiplier: timesOf(args, field) };
}

function timesOf(args: Record<string, unknown>, field: GraphQLField<unknown, GraphQLContext>): number {
  if (isPaged(field)) return Math.max(1, pageOf(args));
  // The connection has already counted its edges.
  if (field.name === 'edges') return 1;
  return isListType(getNullableType(field.type)) ? LIST_LENGTH : 1;
}

const isPaged = (field: GraphQLField<unknown, GraphQLContext>): boolean =>
  field.args.some((arg) => arg.name === 'first');

/** Describes the page size limits at the arguments of every list. */
export function describePages(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const { args } of Object.values(type.getFields())) {
      for (const arg of args) {
        if (arg.name === 'first')
          arg.description ??= `The number of items, at most ${MAX_PAGE}. Default: ${DEFAULT_PAGE}.`;
        if (arg.name === 'last')
          arg.description ??= `Like \`first\`, from the end of the list. Cannot be combined with \`first\`.`;
      }
    }
  }
  return schema;
}

/**
 * Rejects expensive operations over every transport: long documents during parsing, wide ones before validation, and
 * costly ones before execution. The actual bytes and time of an answer are counted while it is produced
 * (src/graphql/answer-budget.ts).
 */
export function useLimits(schema: GraphQLSchema, queryTimeLimitMs: number): Plugin<{ answer: AnswerBudget }> {
  const checkIntrospection = createIntrospectionLimit(schema);
  const check = (args: ExecutionArgs): void => {
    const operation = operationOf(args);
    checkTexts(args.document, operation.variables);
    checkIntrospection(operation.document);
    checkLists(schema, operation.document, operation.variables);
    checkCost(schema, operation);
  };
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, options?: object) => {
        const document = parseShort(source, options);
        checkDocument(document);
        return document;
      });
    },
    onExecute({ args }) {
      check(args);
      const { answer } = args.contextValue;
      // The executor reads its signal from here.
      Object.assign(args, { signal: answer.signal });
      const isQuery = getOperationAST(args.document, args.operationName)?.operation === 'query';
      if (!isQuery) return {};
      const limit = setTimeout(() => answer.end(new MailtideError('REQUEST_TIME_LIMIT')), queryTimeLimitMs);
      answer.signal.addEventListener('abort', () => clearTimeout(limit));
      return { onExecuteDone: () => clearTimeout(limit) };
    },
    onSubscribe: ({ args }) => check(args),
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

interface Operation {
  /** The operation that runs, with all fragments. */
  readonly document: DocumentNode;
  readonly variables: Record<string, unknown>;
}

function operationOf({ document, variableValues, operationName }: ExecutionArgs): Operation {
  const given = variableValues ?? {};
  if (JSON.stringify(given).length > MAX_VARIABLES) throw tooMuch(`variables of more than ${MAX_VARIABLES} characters`);
  const definitions = document.definitions.filter(
    (one) => one.kind !== 'OperationDefinition' || !operationName || one.name?.value === operationName,
  );
  const operation = getOperationAST(document, operationName);
  const defaults = (operation?.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
  );
  return { document: { ...document, definitions }, variables: { ...Object.fromEntries(defaults), ...given } };
}

function checkCost(schema: GraphQLSchema, { document, variables }: Operation): void {
  const { depth, complexity } = complexityFromQuery(document, { schema, variables });
  if (depth > MAX_DEPTH) throw tooMuch(`a depth of ${depth}, more than ${MAX_DEPTH}`);
  if (complexity > MAX_COMPLEXITY) throw tooMuch(`a cost of ${complexity}, more than ${MAX_COMPLEXITY}`);
}
