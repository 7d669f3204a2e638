import { MailtideError } from '../../errors.ts';

/** SQLSTATE classes 22 (data exception) and 54 (program limit exceeded): the data's fault, not the moment's. */
export function isDataError(error: unknown): boolean {
  const code = error instanceof MailtideError ? null : (error as { code?: unknown }).code;
  return typeof code === 'string' && (code.startsWith('22') || code.startsWith('54'));
}
