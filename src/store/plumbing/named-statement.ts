/** Parameters of a statement by name. */
export type Parameters = Readonly<Record<string, unknown>>;

export interface NamedStatement {
  /** With numbers, as PostgreSQL reads it. Always the same string: statements are prepared and cached by their text. */
  readonly text: string;
  /** The values in the order of the numbers. @throws if a name of the text has no value, or a value no name */
  values(parameters: Parameters): unknown[];
}

/** `@name`, but not the operators `@@`, `@>` and `<@`. */
const NAME = /(?<![@<\w])@([a-zA-Z]\w*)/g;

/**
 * Replaces `@name` in `sql` by `$1`, `$2`, ... in the order in which the names first appear. For statements that are too
 * wide to count their parameters; build each once, as a constant.
 */
export function namedStatement(sql: string): NamedStatement {
  const names = [...new Set([...sql.matchAll(NAME)].map(([, name]) => name!))];
  const numbers = new Map(names.map((name, index) => [name, `$${index + 1}`]));
  return {
    text: sql.replace(NAME, (_, name: string) => numbers.get(name)!),
    values(parameters) {
      const unused = Object.keys(parameters).filter((name) => !numbers.has(name));
      const missing = names.filter((name) => !(name in parameters));
      if (unused.length + missing.length > 0) {
        throw new Error(`The parameters ${[...missing, ...unused].join(', ')} and the statement do not match`);
      }
      return names.map((name) => parameters[name]);
    },
  };
}
