import {
  defaultFieldResolver,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import { MailtideError } from '../errors.ts';

const MEBIBYTE = 1024 * 1024;
/** Limit of one answer, in approximate bytes. 100 messages with everything but their texts take about 200 kB. */
const MAX_ANSWER = 16 * MEBIBYTE;
/** Overhead of a value beside its text, in bytes: its name, quotes, a comma. */
const VALUE = 16;

/**
 * The size limit of one answer. Each value is counted when it is resolved; exceeding the limit ends the request. The
 * cost limit alone does not bound an answer: docs/decisions/0024-answer-budget.md.
 */
export class AnswerBudget {
  readonly #ended = new AbortController();
  #bytes = 0;

  /** Aborted when the request must end. The reason is the error to answer with. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** @throws ANSWER_TOO_LARGE */
  charge(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= MAX_ANSWER) return;
    const error = new MailtideError('ANSWER_TOO_LARGE');
    this.end(error);
    throw error;
  }

  end(error: MailtideError): void {
    this.#ended.abort(error);
  }

  /** Starts counting again, for the next event of a subscription. */
  restart(): void {
    this.#bytes = 0;
  }
}

/** Wraps the resolver of every field that returns values or lists, so that they are counted. */
export function countAnswers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    const isSubscription = type === schema.getSubscriptionType();
    for (const field of Object.values(type.getFields())) {
      const sizeOf = sizeOfType(field.type);
      if (!sizeOf && !isSubscription) continue;
      const resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (source, args, context: { answer: AnswerBudget }, info) => {
        if (isSubscription) context.answer.restart();
        const value: unknown = resolve(source, args, context, info);
        if (!sizeOf) return value;
        const counted = (one: unknown): unknown => {
          context.answer.charge(sizeOf(one));
          return one;
        };
        return isPromise(value) ? value.then(counted) : counted(value);
      };
    }
  }
  return schema;
}

type SizeOf = (value: unknown) => number;

/** Returns how to measure a value of this type, or null for an object, whose fields are measured instead. */
function sizeOfType(type: GraphQLOutputType): SizeOf | null {
  const named = getNamedType(type);
  const isList = isListType(getNullableType(type));
  if (!isLeafType(named)) return isList ? (value) => VALUE * (Array.isArray(value) ? value.length : 0) : null;
  const sizeOfOne = named.name === 'JSON' ? sizeOfJson : sizeOfLeaf;
  return isList ? (value) => (Array.isArray(value) ? sum(value.map(sizeOfOne)) : VALUE) : sizeOfOne;
}

const sizeOfLeaf: SizeOf = (value) => VALUE + (typeof value === 'string' ? value.length : 0);
const sizeOfJson: SizeOf = (value) => VALUE + (JSON.stringify(value)?.length ?? 0);

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, VALUE);

/** Prisma's promises are not instances of Promise. */
const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
