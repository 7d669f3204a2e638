import type { ServedApi } from './served-api.ts';

/** As browsers ask for what somebody opens. */
export const ofBrowser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
export const json = { 'content-type': 'application/json' };

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** Requests as they are, to a path of the API, without following it elsewhere. */
export const get = (api: ServedApi, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(api.url + path, { headers, redirect: 'manual' });
export const post = (
  api: ServedApi,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> => fetch(api.url + path, { method: 'POST', body, headers, redirect: 'manual' });

export async function cookieOf(api: ServedApi, key: string): Promise<string> {
  return (await get(api, `/sign-in?key=${key}`)).headers.get('set-cookie')!.split(';')[0]!;
}

export async function codeOf(response: Response): Promise<[number, string]> {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return [response.status, errors[0]!.extensions.code];
}
