import { PothosValidationError } from '@pothos/core';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { ERRORS, MailtideError, toMailtideError } from '../errors.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { encodeId } from './ids.ts';

/** PostgreSQL could not read a value as its column's type: only a cursor gets there unchecked. */
const UNREADABLE_VALUE = new Set(['P2007', 'P2023']);

/**
 * What a caller sees of an error: every one has a code of the table in `extensions.code`. What a caller cannot act on
 * is logged here, once and with its cause, and shown as INTERNAL.
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

/** Errors of validation are answered without passing {@link presentError}: they get their code where they arise. */
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
 * What graphql says of bad input, without the input that it quotes whole: a password may be in it, and whoever called
 * may write our answer into a log. Where it was, the error's locations and path tell.
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

/** What the grammar expects is not of the input; what was found instead is, and so is all that graphql calls unexpected. */
function withoutToken(message: string): string {
  const found = message.indexOf(', found ');
  return message.startsWith(`${SYNTAX_ERROR}Expected `) && found > 0
    ? `${message.slice(0, found)}.`
    : `${SYNTAX_ERROR}This is not a GraphQL document.`;
}

/**
 * Syntax, validation and variables are checked before a field is resolved, so these errors have no path; arguments of
 * connections are checked by Pothos. What else graphql finds wrong is an answer that we resolved to.
 */
const isOfInput = (error: GraphQLError): boolean => !error.path || error instanceof PothosValidationError;

/** What was thrown first, below the errors that graphql wraps around it to tell where. */
function rootOf(error: unknown): unknown {
  const below = error instanceof GraphQLError ? (error.originalError ?? error.cause) : undefined;
  return below ? rootOf(below) : error;
}

/** Presented before, by another layer. */
const hasOurCode = ({ extensions }: GraphQLError): boolean => Object.hasOwn(ERRORS, String(extensions['code']));

function shown(error: unknown, code: keyof typeof ERRORS, message: string, more: object = {}): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions: { code, ...more } });
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { ...extensions, code, ...more } });
}
