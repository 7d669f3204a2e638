import { type DocumentNode, visit } from 'graphql';
import { MailtideError } from '../errors.ts';

/**
 * Limits per document. The page's largest operation has no alias, 4 fragments, and no name more than 6 times.
 * GraphiQL's introspection has one name 15 times. Validation compares the fields of one name pair by pair.
 */
const LIMITS = { aliases: 100, directives: 100, fragments: 50, operations: 50, 'fields of one name': 100 };

/** Rejects documents that would take long to validate. @throws QUERY_TOO_COMPLEX */
export function checkDocument(document: DocumentNode): void {
  const counts = new Map<keyof typeof LIMITS, number>();
  const names = new Map<string, number>();
  const count = (what: keyof typeof LIMITS, number = (counts.get(what) ?? 0) + 1): void => {
    if (number > LIMITS[what]) throw tooMuch(`more than ${LIMITS[what]} ${what}`);
    counts.set(what, number);
  };
  visit(document, {
    OperationDefinition: () => count('operations'),
    FragmentDefinition: () => count('fragments'),
    Directive: () => count('directives'),
    Field({ alias, name }) {
      if (alias) count('aliases');
      const key = (alias ?? name).value;
      const times = (names.get(key) ?? 0) + 1;
      names.set(key, times);
      if (times > LIMITS['fields of one name']) count('fields of one name', times);
    },
  });
}

export const tooMuch = (what: string): MailtideError =>
  new MailtideError('QUERY_TOO_COMPLEX', { message: `The query has ${what}. Request less at once.` });
