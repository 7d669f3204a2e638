/** What scripts put to the left of the `@` where they have no value; they send it with all their letters. */
const PLACEHOLDER =
  /^(?:undefined|null|\(null\)|nil|none|nan|false|true|unknown|empty|default|placeholder|n\/a|(?:no-?)?message-?id|no-?id|[-.*?#]+)$/i;
/** What a template leaves behind that nobody has filled in. */
const TEMPLATE = /^%\w(?:@|$)|\$\{|\{\{|<%|\[object/;
/** Without an `@`, an identifier of this length that has a digit is unlikely to be a word or a counter. */
const LONG = 16;
/** Left of `@localhost`, less is the counter of a machine that does not know its name. */
const SHORT = 4;

/**
 * Whether a Message-ID, in angle brackets, can tell one message from all others. RFC 5322 (3.6.4) asks for an `@` with
 * something on both sides. Some senders omit the right side; theirs count when they are long enough to be unique.
 */
export function isMessageId(id: string): boolean {
  const inner = id.slice(1, -1);
  if (TEMPLATE.test(inner) || /^mailto:|:\/\//i.test(inner)) return false;
  const at = inner.lastIndexOf('@');
  if (at < 0) return inner.length >= LONG && /\d/.test(inner) && !PLACEHOLDER.test(inner);
  const [left, right] = [inner.slice(0, at), inner.slice(at + 1)];
  if (left === '' || right === '' || PLACEHOLDER.test(left)) return false;
  return left.length >= SHORT || !/^localhost\b/i.test(right);
}
