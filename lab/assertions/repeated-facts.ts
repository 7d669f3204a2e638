/** Returns the facts that a timeline contains twice: a message arrives at a UID, or leaves it, once. */
export function repeatedFacts(events: readonly { type: string; payload: unknown }[]): string[] {
  const facts = events
    .filter(({ type }) => /^(email_(received|copied|moved|deleted)|mailbox_)/.test(type))
    .map(({ type, payload }) => `${type} ${JSON.stringify(payload)}`);
  const seen = new Set<string>();
  return facts.filter((fact) => seen.size === seen.add(fact).size);
}
