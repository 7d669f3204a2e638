import { carrierOf } from './carrier.ts';
import { isMessageId } from './message-id.ts';
import type { ParsedMessage } from './parsed-message.ts';
import { referenceKey, type ThreadLinks } from './threads.ts';

/** Returns the links of a message to its thread. The sender's address does not count as its Message-ID. */
export function linksOf(message: ParsedMessage): ThreadLinks {
  const { messageIdHeader: id, from, references } = message;
  const isOwn = id !== null && isMessageId(id) && !from.some(({ address }) => `<${address}>` === id);
  return {
    own: isOwn ? referenceKey(id) : null,
    carrier: carrierOf(message),
    references: [...new Set(references.map(referenceKey))],
  };
}
