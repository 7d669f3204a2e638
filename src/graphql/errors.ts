import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { ERRORS, MailtideError } from '../errors.ts';
import { Prisma } from '../generated/prisma/client.ts';

/** PostgreSQL could not read a value as its column's type: only a cursor gets there unchecked. */
const UNREADABLE_VALUE = new Set(['P2007', 'P2023']);

/**
 * What a caller sees of an error: every one has a code of the table in `extensions.code`. What a caller cannot act on
 * is logged here, once and with its cause, and shown as INTERNAL.
 */
export function presentError(error: unknown, log: Logger): GraphQLError {
  const cause = rootOf(error);
  if (cause instanceof MailtideError && ERRORS[cause.code].audience === 'caller') {
    return shown(error, cause.code, cause.message);
  }
  // Of graphql itself (syntax, validation, variables) or of Pothos (arguments of a connection).
  if (cause instanceof GraphQLError) {
    return cause.extensions['code'] ? cause : shown(error, 'BAD_USER_INPUT', cause.message);
  }
  if (cause instanceof Prisma.PrismaClientKnownRequestError && UNREADABLE_VALUE.has(cause.code)) {
    return shown(error, 'BAD_USER_INPUT', 'The cursor is not valid.');
  }
  log.error({ err: cause, path: error instanceof GraphQLError ? error.path : undefined }, 'request failed');
  return shown(error, 'INTERNAL', ERRORS.INTERNAL.sentence);
}

/** What was thrown first, below the errors that graphql wraps around it to tell where. */
function rootOf(error: unknown): unknown {
  const below = error instanceof GraphQLError ? (error.originalError ?? error.cause) : undefined;
  return below ? rootOf(below) : error;
}

function shown(error: unknown, code: keyof typeof ERRORS, message: string): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions: { code } });
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { ...extensions, code } });
}
