import type { ImapFlow, ImapFlowError } from 'imapflow';
import type { ListedMailbox, MailboxStatus } from '../domain/imap-types.ts';
import { shownName } from '../domain/mailbox-names.ts';
import { responseCode, toImapError } from './errors.ts';
import { isSelectable, Listing } from './listing.ts';
import { type Attribute, atom, nameToken, send, string } from './mailbox-commands.ts';
import { sortForSync } from './mailboxes-to-sync.ts';
import type { ImapSession } from './session.ts';
import { specialUses } from './special-uses.ts';

const INBOX = 'INBOX';

/** Most prefixes that are listed separately: servers usually have one for each of the three kinds (RFC 2342). */
const MAX_NAMESPACES = 100;

/**
 * Lists all mailboxes in the order of a sync, by default with STATUS (by RFC 5819 if the server has it). On most
 * servers `LIST "" "*"` covers all namespaces; one of which it shows nothing is then listed by its prefix. The lines
 * are parsed here, because imapflow drops those that violate the grammar, and changes names.
 */
export async function list(session: ImapSession, withStatus: boolean): Promise<ListedMailbox[]> {
  const listing = new Listing(session.redact);
  await reading(session, listing, async () => {
    await session.command((client) => listAll(session, client, listing, withStatus), session.limits.list);
    await session.command((client) => askForStatus(client, listing, withStatus));
  });
  session.unread = listing.unread;
  return sortForSync(mailboxesOf(session, listing));
}

async function reading(session: ImapSession, listing: Listing, ask: () => Promise<void>): Promise<void> {
  session.readLine = (line) => listing.read(line);
  try {
    await ask();
  } finally {
    session.readLine = null;
  }
}

/** Returns whether LIST has a mailbox of this name. */
export async function isListed(session: ImapSession, client: ImapFlow, rawName: string): Promise<boolean> {
  const listing = new Listing(session.redact);
  await reading(session, listing, () => send(client, 'LIST', [string(''), nameToken(rawName)]));
  const line = listing.lines.get(rawName);
  return line !== undefined && !line.attributes.has('\\nonexistent');
}

async function listAll(session: ImapSession, client: ImapFlow, listing: Listing, withStatus: boolean): Promise<void> {
  const options = returnOptions(client, withStatus);
  let ask = (prefix: string) => send(client, 'LIST', [nameToken(prefix), string('*'), ...options]);
  try {
    await ask('');
  } catch (error) {
    // Some servers advertise these options and refuse them.
    if (options.length === 0 || (error as { responseStatus?: string }).responseStatus !== 'BAD') throw error;
    ask = (prefix) => send(client, 'LIST', [nameToken(prefix), string('*')]);
    await ask('');
  }
  const prefixes = [...new Set(prefixesOf(session))];
  if (prefixes.length > MAX_NAMESPACES) listing.addUnread(`more than ${MAX_NAMESPACES} namespaces`);
  for (const prefix of prefixes.slice(0, MAX_NAMESPACES)) {
    const isShown = [...listing.lines.values()].some((line) => line.rawName.startsWith(prefix) && isSelectable(line));
    if (isShown) continue;
    if ((await refusalOf(ask(prefix))) !== null) listing.addUnread(`NO to LIST "${prefix}" "*"`);
  }
}

/** Returns the prefixes of all namespaces; without NAMESPACE, the one that imapflow found by LIST "" "". */
function prefixesOf({ namespaces, client }: ImapSession): string[] {
  const known = namespaces.length > 0 ? namespaces : [client.namespace?.prefix ?? ''];
  return known.filter((prefix) => prefix !== '');
}

function returnOptions(client: ImapFlow, withStatus: boolean): Attribute[] {
  const { capabilities } = client;
  const items: Attribute[] = withStatus && capabilities.has('LIST-STATUS') ? [atom('STATUS'), statusItems(client)] : [];
  const isExtended = capabilities.has('LIST-EXTENDED') || items.length > 0;
  // With options, a server returns only what is requested.
  if (isExtended && capabilities.has('SPECIAL-USE')) items.push(atom('SPECIAL-USE'));
  return items.length > 0 ? [atom('RETURN'), items] : [];
}

function statusItems({ capabilities }: ImapFlow): Attribute[] {
  const hasModseqs = capabilities.has('CONDSTORE') || capabilities.has('QRESYNC');
  return ['MESSAGES', 'UNSEEN', 'UIDNEXT', 'UIDVALIDITY', ...(hasModseqs ? ['HIGHESTMODSEQ'] : [])].map(atom);
}

/**
 * Requests the STATUS of each mailbox, if it is wanted and LIST did not return it. INBOX may exist even if LIST omits
 * it (RFC 9051, 5.1): it exists if it has a STATUS, and does not if the server answers NONEXISTENT.
 */
async function askForStatus(client: ImapFlow, listing: Listing, ofEach: boolean): Promise<void> {
  const { lines, statuses } = listing;
  const ask = (rawName: string) => refusalOf(send(client, 'STATUS', [nameToken(rawName), statusItems(client)]));
  const asked = !ofEach || statuses.size > 0 ? [] : [...lines.values()].filter(isSelectable);
  for (const { rawName } of asked) await ask(rawName);
  const inbox = lines.get(INBOX);
  if (inbox && isSelectable(inbox)) return;
  const refusal = statuses.has(INBOX) ? null : await ask(INBOX);
  if (refusal === null) {
    const delimiter = inbox?.delimiter ?? lines.values().next().value?.delimiter ?? null;
    lines.set(INBOX, { rawName: INBOX, attributes: new Set(), delimiter });
  } else if (refusal !== 'NONEXISTENT') {
    listing.addUnread('NO to STATUS INBOX');
  }
}

/**
 * Returns the response code of a refusal (RFC 5530), or '' if it has none; null if the server does not refuse.
 * @throws any other failure
 */
async function refusalOf(command: Promise<void>): Promise<string | null> {
  try {
    await command;
    return null;
  } catch (error) {
    if (toImapError(error, 'command').code !== 'IMAP_SERVER_REFUSED') throw error;
    return responseCode(error as ImapFlowError);
  }
}

function mailboxesOf({ client, names }: ImapSession, { lines, statuses }: Listing): ListedMailbox[] {
  const isUtf8 = client.enabled.has('UTF8=ACCEPT');
  names.learn([...lines.keys()].map((rawName) => ({ rawName, shown: shownName(rawName, isUtf8) })));
  const named = [...lines.values()].map((line) => ({ ...line, path: names.pathOf(line.rawName) }));
  const uses = specialUses(named);
  return named.map((line) => ({
    path: line.path,
    rawName: line.rawName,
    delimiter: line.delimiter,
    specialUse: uses.get(line.rawName) ?? null,
    selectable: isSelectable(line),
    status: statusOf(client, statuses.get(line.rawName)),
  }));
}

/** Removes HIGHESTMODSEQ if the server lacks CONDSTORE: Yahoo still sends it. */
function statusOf({ enabled }: ImapFlow, status: MailboxStatus | null = null): MailboxStatus | null {
  return status && !enabled.has('CONDSTORE') ? { ...status, highestModseq: null } : status;
}
