/** Left sides of the `@` that scripts write if they have no value; all their letters then have the same one. */
const PLACEHOLDER =
  /^(?:undefined|null|\(null\)|nil|none|nan|false|true|unknown|empty|default|placeholder|n\/a|(?:no-?)?message-?id|no-?id|[-.*?#]+)$/i;
/** Remains of a template that was not filled in. */
const TEMPLATE = /^%\w(?:@|$)|\$\{|\{\{|<%|\[object/;
/** An identifier without an `@`, of this length and with a digit, is unlikely to be a word or a counter. */
const LONG = 16;
/** A shorter left side of `@localhost` is the counter of a machine that does not know its name. */
const SHORT = 4;

/**
 * Returns whether a Message-ID, in angle brackets, can identify one message. RFC 5322 (3.6.4) requires an `@` with
 * something on both sides. Some senders omit the right side; theirs count if they are long enough to be unique.
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
