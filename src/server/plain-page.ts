import { randomBytes } from 'node:crypto';
import { escapeUTF8 } from 'entities';
import type { FastifyReply } from 'fastify';
import { contentSecurityPolicy } from './answers.ts';

/** A page without scripts, for people who need not be signed in: what happened, and what to do next. */
export interface PlainPage {
  readonly title: string;
  readonly paragraphs: readonly string[];
  /** The next steps; the first is the recommended one. */
  readonly actions: readonly PlainAction[];
}

export type PlainAction =
  | { readonly label: string; readonly href: string }
  /** A form without fields, sent to the page's own address. */
  | { readonly label: string; readonly submits: true };

/** Sends a page. Its form may lead to a provider's page, which browsers treat as a target of the form (CSP 3). */
export function sendPlainPage(reply: FastifyReply, status: number, page: PlainPage): FastifyReply {
  const nonce = randomBytes(16).toString('base64');
  return reply
    .code(status)
    .header(
      'content-security-policy',
      contentSecurityPolicy(nonce).replace("form-action 'self'", "form-action 'self' https:"),
    )
    .type('text/html; charset=utf-8')
    .send(plainPage(page, nonce));
}

/** Returns the page as HTML. All texts are escaped: some come from a provider. */
export function plainPage({ title, paragraphs, actions }: PlainPage, nonce: string): string {
  const escaped = escapeUTF8(title);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped} · Mailtide</title>
<style nonce="${nonce}">${STYLE}</style>
<main>
<p class="name">Mailtide</p>
<h1>${escaped}</h1>
${paragraphs.map((text) => `<p>${escapeUTF8(text)}</p>`).join('\n')}
${actions.map(actionOf).join('\n')}
</main>
</html>
`;
}

const actionOf = (action: PlainAction): string =>
  'href' in action
    ? `<a class="action" href="${escapeUTF8(action.href)}">${escapeUTF8(action.label)}</a>`
    : `<form method="post"><button class="action">${escapeUTF8(action.label)}</button></form>`;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f6f7f9, #17191c); color: light-dark(#1b1e23, #e6e8eb); }
main { max-width: 30rem; margin: 12vh auto 2rem; padding: 2rem; box-sizing: border-box; border-radius: 12px;
  background: light-dark(#fff, #202327); border: 1px solid light-dark(#e2e5ea, #31353b); overflow-wrap: anywhere; }
.name { margin: 0 0 1.25rem; font-weight: 600; color: light-dark(#1864ab, #74c0fc); }
h1 { margin: 0 0 .75rem; font-size: 1.35rem; line-height: 1.3; }
p { margin: 0 0 1rem; }
form { margin: 0; }
.action { display: inline-block; margin: .5rem .75rem 0 0; padding: .6rem 1.1rem; border: 1px solid light-dark(#c9ced6, #454b54);
  border-radius: 8px; font: inherit; font-weight: 500; color: inherit; background: none; text-decoration: none;
  cursor: pointer; }
.action:first-of-type, form .action { border-color: transparent; background: light-dark(#1864ab, #4dabf7);
  color: light-dark(#fff, #10151a); }
.action:focus-visible { outline: 3px solid light-dark(#74c0fc, #d0ebff); outline-offset: 2px; }
`;
