import { parseApiKey } from '../../src/store/tenancy/api-key.ts';
import type { ServedApi } from './served-api.ts';

/** Headers that browsers send when a user opens a page. */
export const ofBrowser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
export const json = { 'content-type': 'application/json' };

/** A secret may contain underscores too. */
export const secretOf = (key: string): string => parseApiKey(key)!.secret;

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** Sends requests unchanged to a path of the API, without following redirects. */
export const get = (api: ServedApi, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(api.url + path, { headers, redirect: 'manual' });
export const post = (
  api: ServedApi,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> => fetch(api.url + path, { method: 'POST', body, headers, redirect: 'manual' });

/** A link that a user opens from a terminal: the browser then sends no referring site. */
export const openSignInLink = (api: ServedApi, key: string, headers: Record<string, string> = {}): Promise<Response> =>
  get(api, `/sign-in?key=${key}`, { 'sec-fetch-site': 'none', ...headers });

export async function cookieOf(api: ServedApi, key: string): Promise<string> {
  return (await openSignInLink(api, key)).headers.get('set-cookie')!.split(';')[0]!;
}

export async function codeOf(response: Response): Promise<[number, string]> {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, errors[0]!.extensions.code];
}
