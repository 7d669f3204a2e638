import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  isObjectType,
  TypeInfo,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { MailtideError } from '../errors.ts';
import { isCursorOf } from './cursors.ts';

export const DEFAULT_PAGE = 20;
/** Longer pages are refused. */
export const MAX_PAGE = 100;

/** Checks the arguments of all lists before the operation runs. @throws BAD_USER_INPUT with the field's path */
export function checkLists(schema: GraphQLSchema, document: DocumentNode, variables: Record<string, unknown>): void {
  const typeInfo = new TypeInfo(schema);
  const path: string[] = [];
  let isInFragment = false;
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      FragmentDefinition: {
        enter: () => {
          isInFragment = true;
        },
        leave: () => {
          isInFragment = false;
        },
      },
      Field: {
        enter(node) {
          path.push((node.alias ?? node.name).value);
          const list = typeInfo.getParentType();
          if (!isObjectType(list)) return;
          const problem = problemOf(list.name, node, variables);
          if (problem === null) return;
          const originalError = new MailtideError('BAD_USER_INPUT', { message: problem });
          // The path of a field in a fragment depends on where it is spread. Its location in the document is known.
          const where = isInFragment ? {} : { path: [...path] };
          throw new GraphQLError(problem, { nodes: [node], originalError, ...where });
        },
        leave() {
          path.pop();
        },
      },
    }),
  );
}

function problemOf(type: string, node: FieldNode, variables: Record<string, unknown>): string | null {
  const args = argumentsOf(node, variables);
  for (const name of ['after', 'before']) {
    const cursor = args[name];
    if (typeof cursor === 'string' && !isCursorOf(type, node.name.value, cursor)) {
      return `"${name}" is not a cursor of this list.`;
    }
  }
  return pageProblem(args);
}

function pageProblem({ first, last }: Record<string, unknown>): string | null {
  if (first != null && last != null) return '"first" and "last" cannot be used together.';
  const [name, asked] = last == null ? ['first', first ?? DEFAULT_PAGE] : ['last', last];
  const size = Number(asked);
  if (size < 0) return `"${name}" cannot be negative.`;
  if (size > MAX_PAGE) return `"${name}" must be at most ${MAX_PAGE}. Use a cursor to request more.`;
  return null;
}

/** The arguments of lists are scalars. Other values fail when they are coerced. */
const argumentsOf = ({ arguments: given = [] }: FieldNode, variables: Record<string, unknown>) =>
  Object.fromEntries(given.map(({ name, value }) => [name.value, valueFromASTUntyped(value, variables)]));

/** Returns the page size. The arguments must have passed {@link checkLists}. */
export const pageOf = ({ first, last }: Record<string, unknown>): number => Number(last ?? first ?? DEFAULT_PAGE);
