/**
 * The page's routes. The service answers each of them with the page, and any other address with the page and status
 * 404. The downloads (`/messages/:id/source`, `/accounts/:id/timeline`) have addresses beside them.
 * The patterns mean the same to Fastify and wouter.
 */
export const PATHS = {
  accounts: '/',
  addAccount: '/accounts/new',
  account: '/accounts/:id',
  accountPart: '/accounts/:id/:part',
  messages: '/accounts/:id/messages',
  accountMessage: '/accounts/:id/messages/:messageId',
  message: '/messages/:id',
} as const;

/** The parts of an account's view besides the overview. Its messages have separate views. */
export const ACCOUNT_PARTS = ['mailboxes', 'history', 'events', 'settings'] as const;
export type AccountPart = (typeof ACCOUNT_PARTS)[number];

export const toAccount = (id: string, part?: AccountPart | 'messages'): string =>
  part ? `/accounts/${id}/${part}` : `/accounts/${id}`;
export const isAccountPart = (part: string): part is AccountPart => (ACCOUNT_PARTS as readonly string[]).includes(part);
/** The anchor of the last run's receipt in the overview. */
export const RECEIPT_ID = 'receipt';
export const toReceipt = (id: string): string => `${toAccount(id)}#${RECEIPT_ID}`;
/** Returns the path of the messages of one mailbox. */
export const toMailbox = (accountId: string, mailboxId: string): string =>
  `${toAccount(accountId, 'messages')}?mailbox=${mailboxId}`;
export const toMessage = (id: string): string => `/messages/${id}`;

/**
 * Returns where a sign-in leads: `next` if it is a path of this service, else `/`. The resolved path is resolved again,
 * because dots in it can leave two slashes at its beginning, which browsers take for another site (RFC 3986, 4.2).
 */
export function ownPath(next: unknown): string {
  const here = 'http://mailtide.invalid';
  if (typeof next !== 'string' || !URL.canParse(next, here)) return '/';
  const { origin, pathname, search } = new URL(next, here);
  const path = pathname + search;
  const isOurs = origin === here && URL.canParse(path, here) && new URL(path, here).href === here + path;
  return isOurs ? path : '/';
}
