import { trustingFetch } from './trusting-fetch.ts';

const MAX_REDIRECTS = 20;

/**
 * Follows the redirects from a provider's sign-in page with a browser's cookies, up to `redirectUri`, which is not
 * requested.
 * @returns the address to which the provider sends the browser back, with code or error
 */
export async function signIn(authorizationUrl: URL, redirectUri: string, ca: string): Promise<URL> {
  const fetch = trustingFetch(ca);
  const cookies = new Map<string, string>();
  let url = authorizationUrl;
  for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url.href, { headers: { cookie, accept: 'text/html' } });
    const location = answer.headers.get('location');
    if (!location) throw new Error(`${url.pathname} answered ${answer.status}: ${await answer.text()}`);
    for (const line of answer.headers.getSetCookie()) keep(cookies, line);
    url = new URL(location, url);
    if (url.href.startsWith(redirectUri)) return url;
  }
  throw new Error(`More than ${MAX_REDIRECTS} redirects`);
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';');
  const name = pair.slice(0, pair.indexOf('='));
  const value = pair.slice(name.length + 1);
  const expires = attributes.find((one) => /^ *expires=/i.test(one))?.split('=')[1];
  if (value === '' || (expires && Date.parse(expires) < Date.now())) cookies.delete(name);
  else cookies.set(name, value);
}
