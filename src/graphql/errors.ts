import { PothosValidationError } from '@pothos/core';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { ERRORS, MailtideError, toMailtideError } from '../errors.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { encodeId } from './ids.ts';

/** Prisma's codes for a value that PostgreSQL cannot read as its column's type. Only cursors reach it unchecked. */
const UNREADABLE_VALUE = new Set(['P2007', 'P2023']);

/**
 * Turns an error into what the caller sees, with a code of the table in `extensions.code`. An error that the caller
 * cannot act on is logged here, once and with its cause, and shown as INTERNAL.
 */
export function presentError(error: unknown, log: Logger): GraphQLError {
  const cause = rootOf(error);
  if (cause instanceof GraphQLError && hasOurCode(cause)) return cause;
  if (cause instanceof MailtideError && ERRORS[cause.code].audience === 'caller') {
    const { accountId } = cause;
    return shown(error, cause.code, cause.message, accountId ? { accountId: encodeId('EmailAccount', accountId) } : {});
  }
  if (cause instanceof GraphQLError && isOfInput(cause))
    return shown(error, 'BAD_USER_INPUT', withoutValue(cause.message));
  if (cause instanceof Prisma.PrismaClientKnownRequestError && UNREADABLE_VALUE.has(cause.code)) {
    return shown(error, 'BAD_USER_INPUT', 'The cursor is not valid.');
  }
  log.error({ err: cause, path: error instanceof GraphQLError ? error.path : undefined }, 'request failed');
  const code = toMailtideError(cause).code === 'DATABASE_FULL' ? 'DATABASE_FULL' : 'INTERNAL';
  return shown(error, code, ERRORS[code].sentence);
}

/** Adds the code to validation errors, which do not pass through {@link presentError}. */
export const useValidationCode = (): Plugin => ({
  onValidate:
    () =>
    ({ result }) => {
      for (const error of result as GraphQLError[]) {
        error.extensions['code'] ??= 'BAD_USER_INPUT';
        error.message = withoutValue(error.message);
      }
    },
});

/**
 * Removes the quoted input from graphql's message about it. The input may contain a password, and the caller may log
 * the answer. The error's locations and path still state where it was.
 */
function withoutValue(message: string): string {
  if (message.startsWith(SYNTAX_ERROR)) return withoutToken(message);
  const found = message.search(/[,;.] found: /i);
  const kept = found < 0 ? message : `${message.slice(0, found)}.`;
  const at = kept.indexOf('cannot represent ');
  const colon = at < 0 ? -1 : kept.indexOf(':', at);
  if (colon < 0 || kept.slice(at, colon).includes('"')) return kept;
  return kept.slice(0, colon) + (/"\.?$/.test(kept) ? '".' : '.');
}

const SYNTAX_ERROR = 'Syntax Error: ';

/** Keeps what the grammar expects, and removes what was found instead, because that quotes the input. */
function withoutToken(message: string): string {
  const found = message.indexOf(', found ');
  return message.startsWith(`${SYNTAX_ERROR}Expected `) && found > 0
    ? `${message.slice(0, found)}.`
    : `${SYNTAX_ERROR}This is not a GraphQL document.`;
}

/**
 * True for errors of the caller's input. Syntax, validation and variables are checked before a field is resolved, so
 * these errors have no path. Pothos checks the arguments of connections. Every other error of graphql concerns a value
 * that a resolver returned.
 */
const isOfInput = (error: GraphQLError): boolean => !error.path || error instanceof PothosValidationError;

/** Returns the error that was thrown first, inside those that graphql wraps around it to add its position. */
function rootOf(error: unknown): unknown {
  const below = error instanceof GraphQLError ? (error.originalError ?? error.cause) : undefined;
  return below ? rootOf(below) : error;
}

/** True if another layer has already presented the error. */
const hasOurCode = ({ extensions }: GraphQLError): boolean => Object.hasOwn(ERRORS, String(extensions['code']));

function shown(error: unknown, code: keyof typeof ERRORS, message: string, more: object = {}): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions: { code, ...more } });
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { ...extensions, code, ...more } });
}
