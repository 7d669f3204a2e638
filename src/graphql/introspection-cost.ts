import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  isObjectType,
  parse,
  type SelectionSetNode,
} from 'graphql';
import { tooMuch } from './document-limits.ts';

/**
 * How often the selection below an introspection field occurs in the answer: the typical lengths of lists, and for
 * `ofType` the share of types that wrap another one. The lengths of `types` and `fields` come from the schema.
 */
const ITEMS: Readonly<Record<string, number>> = { args: 2, enumValues: 5, inputFields: 5, directives: 5, ofType: 0.5 };
/** For clients that also request every `__typename`. */
const MARGIN = 1.5;
/** Everything that tools request. */
const WHOLE = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
};

/**
 * Returns a check that limits the introspection of one operation to one and a half times the whole schema. Each field
 * counts about as often as it occurs in the answer. @throws QUERY_TOO_COMPLEX
 */
export function createIntrospectionLimit(schema: GraphQLSchema): (document: DocumentNode) => void {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) => (isObjectType(type) ? [Object.keys(type.getFields()).length] : []));
  const items = { ...ITEMS, types: types.length, fields: Math.ceil(fields.reduce((a, b) => a + b, 0) / types.length) };
  const most = MARGIN * costOf(parse(getIntrospectionQuery(WHOLE)), items, Number.POSITIVE_INFINITY);
  return (document) => void costOf(document, items, most);
}

function costOf(document: DocumentNode, items: Readonly<Record<string, number>>, most: number): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of document.definitions) if (one.kind === 'FragmentDefinition') fragments.set(one.name.value, one);
  let cost = 0;

  function add({ selections }: SelectionSetNode, times: number, isWithin: boolean): void {
    for (const selection of selections) {
      if (selection.kind !== 'Field') {
        const { selectionSet } = selection.kind === 'InlineFragment' ? selection : fragments.get(selection.name.value)!;
        // A spread counts as well, so that many spreads of an empty fragment are not free.
        if (selection.kind === 'FragmentSpread') cost += 1;
        if (cost > most) throw tooMuch('too much introspection');
        add(selectionSet, times, isWithin);
        continue;
      }
      const { name, selectionSet } = selection;
      const isIntrospection = isWithin || name.value === '__schema' || name.value === '__type';
      if (isIntrospection) cost += times;
      if (cost > most) throw tooMuch('too much introspection');
      if (selectionSet) add(selectionSet, isIntrospection ? times * (items[name.value] ?? 1) : 1, isIntrospection);
    }
  }

  for (const one of document.definitions) {
    if (one.kind === 'OperationDefinition') add(one.selectionSet, 1, false);
  }
  return cost;
}
