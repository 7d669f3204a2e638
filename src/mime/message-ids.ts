/** Enough for any conversation that people have; a longer list keeps its root and its end. */
const MAX_REFERENCES = 100;

/** The Message-ID of a header field's value, in angle brackets; senders that forget those mean one all the same. */
export function ownMessageId(value: string): string | null {
  const [first] = messageIds(value);
  if (first) return first;
  const bare = value.replace(/[<>\s]+/g, '');
  return bare ? `<${bare}>` : null;
}

/** What a message replies to, oldest first: References, then In-Reply-To, without the message's own id. */
export function referencedIds(references: string, inReplyTo: string, own: string | null): string[] {
  const ids = new Set([...messageIds(references), ...messageIds(inReplyTo)]);
  if (own !== null) ids.delete(own);
  const list = [...ids];
  return list.length > MAX_REFERENCES ? [list[0]!, ...list.slice(1 - MAX_REFERENCES)] : list;
}

/** All that is in angle brackets: In-Reply-To once held prose ("Your message of Monday <id>"). */
function messageIds(value: string): string[] {
  const ids = value.match(/<[^<>]+>/g) ?? [];
  return ids.map((id) => id.replace(/\s+/g, '')).filter((id) => id.length > 2);
}
