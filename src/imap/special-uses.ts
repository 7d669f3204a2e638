import { type SpecialUseSource, specialUse } from 'imapflow/lib/special-use';
import { isInbox } from '../domain/mailbox-names.ts';
import type { ListLine } from './list-lines.ts';
import { outlookUse } from './outlook-names.ts';

type Named = ListLine & { readonly path: string };

/** Most certain first: reported by the server (RFC 6154), a well-known name, a similar name. */
const SOURCES: readonly SpecialUseSource[] = ['extension', 'name', 'name-guess'];

/**
 * Returns the special use of each mailbox by its raw name; each use occurs once. An attribute counts even if the server
 * does not offer SPECIAL-USE: Exchange sends `\Sent` and others without it, and older versions send none.
 */
export function specialUses(mailboxes: readonly Named[]): ReadonlyMap<string, string> {
  const candidates = mailboxes.flatMap((mailbox) => {
    if (isInbox(mailbox.rawName)) return [];
    const levels = mailbox.delimiter === null ? [mailbox.path] : mailbox.path.split(mailbox.delimiter);
    const { flag, source } = useOf(mailbox.attributes, levels.at(-1)!);
    const isPhantom = source !== 'extension' && mailbox.attributes.has('\\nonexistent');
    return flag === null || isPhantom
      ? []
      : [{ ...mailbox, flag, rank: SOURCES.indexOf(source), depth: levels.length }];
  });
  candidates.sort((a, b) => a.rank - b.rank || a.depth - b.depth || a.path.localeCompare(b.path));
  const uses = new Map<string, string>();
  const taken = new Set<string>();
  for (const { rawName, flag } of candidates) {
    if (taken.has(flag) || uses.has(rawName)) continue;
    uses.set(rawName, flag);
    taken.add(flag);
  }
  for (const { rawName } of mailboxes) if (isInbox(rawName)) uses.set(rawName, '\\Inbox');
  return uses;
}

function useOf(
  attributes: ReadonlySet<string>,
  name: string,
): { readonly flag: string | null; readonly source: SpecialUseSource } {
  const { flag, source = 'name' } = specialUse(true, { flags: new Set(attributes), name });
  if (flag !== null && source !== 'name-guess') return { flag, source };
  const known = outlookUse(name);
  return known === null ? { flag, source } : { flag: known, source: 'name' };
}
