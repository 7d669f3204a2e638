import { MailtideError } from '../../errors.ts';

/** Returns whether the data caused an error: SQLSTATE classes 22 (data exception) and 54 (program limit exceeded). */
export function isDataError(error: unknown): boolean {
  const code = error instanceof MailtideError ? null : (error as { code?: unknown }).code;
  return typeof code === 'string' && (code.startsWith('22') || code.startsWith('54'));
}
