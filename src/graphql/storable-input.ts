import { type DocumentNode, visit } from 'graphql';
import { isStorable } from '../domain/storable-text.ts';
import { MailtideError } from '../errors.ts';

/** Rejects texts that neither PostgreSQL nor a mail server accepts. @throws BAD_USER_INPUT */
export function checkTexts(document: DocumentNode, variables: Record<string, unknown>): void {
  visit(document, { StringValue: ({ value }) => check(value) });
  checkValue(variables);
}

function checkValue(value: unknown): void {
  if (typeof value === 'string') check(value);
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) checkValue(item);
}

function check(text: string): void {
  if (isStorable(text)) return;
  throw new MailtideError('BAD_USER_INPUT', { message: 'A text contains U+0000 or an unpaired surrogate. Remove it.' });
}
