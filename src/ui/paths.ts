/**
 * The page's addresses. The service answers each of them with the page; at an address that is not here the page says
 * so, with the status 404. Beside them live the downloads (`/messages/:id/source`, `/accounts/:id/timeline`).
 * Patterns are written so that Fastify and wouter read them alike.
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

/** The parts of an account's view beside its first; its messages have views of their own. */
export const ACCOUNT_PARTS = ['mailboxes', 'history', 'events', 'settings'] as const;
export type AccountPart = (typeof ACCOUNT_PARTS)[number];

export const toAccount = (id: string, part?: AccountPart | 'messages'): string =>
  part ? `/accounts/${id}/${part}` : `/accounts/${id}`;
export const isAccountPart = (part: string): part is AccountPart => (ACCOUNT_PARTS as readonly string[]).includes(part);
/** Of the last run, in the first part of an account's view. */
export const RECEIPT_ID = 'receipt';
export const toReceipt = (id: string): string => `${toAccount(id)}#${RECEIPT_ID}`;
/** The messages of one mailbox. */
export const toMailbox = (accountId: string, mailboxId: string): string =>
  `${toAccount(accountId, 'messages')}?mailbox=${mailboxId}`;
export const toMessage = (id: string): string => `/messages/${id}`;

/**
 * Where a sign-in leads: `next` if it is a path of this service, else `/`. The resolved path is resolved once more,
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
