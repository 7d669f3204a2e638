import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly body: string;
  /** The text of the page without tags. */
  readonly text: string;
  /** The addresses that led here, in order. */
  readonly via: readonly URL[];
}

/** A browser without scripts: it keeps cookies for each host, and follows redirects. */
export interface TestBrowser {
  get(url: string | URL): Promise<Page>;
  /** Submits a form without fields that the page at this address has. */
  submit(url: string | URL): Promise<Page>;
  /** Submits it, and follows redirects until an address that begins with `until`, which is not requested. */
  submitUntil(url: string | URL, until: string): Promise<URL>;
}

const MAX_REDIRECTS = 20;

export function createTestBrowser(options: {
  readonly ca: string;
  readonly cookies?: Record<string, string>;
}): TestBrowser {
  /** Host and name, as browsers keep cookies: for all ports of a host. */
  const cookies = new Map<string, string>();
  for (const [name, value] of Object.entries(options.cookies ?? {})) cookies.set(`127.0.0.1 ${name}`, value);

  const cookiesOf = ({ hostname }: URL): string =>
    [...cookies]
      .filter(([key]) => key.startsWith(`${hostname} `))
      .map(([key, value]) => `${key.slice(hostname.length + 1)}=${value}`)
      .join('; ');

  function keep({ hostname }: URL, line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(name.length + 1);
    const isDeleted = attributes.some((one) => /^ *(?:max-age=0|expires=Thu, 01 Jan 1970)/i.test(one));
    if (value === '' || isDeleted) cookies.delete(`${hostname} ${name}`);
    else cookies.set(`${hostname} ${name}`, value);
  }

  function send(method: string, url: URL) {
    return new Promise<{ status: number; location: string | undefined; body: string }>((resolve, reject) => {
      const headers: Record<string, string> = { accept: 'text/html', cookie: cookiesOf(url) };
      if (method === 'POST') {
        headers['origin'] = url.origin;
        headers['content-type'] = 'application/x-www-form-urlencoded';
      }
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const sent = send(url, { method, headers, agent: false, ca: options.ca }, (answer) => {
        for (const line of answer.headers['set-cookie'] ?? []) keep(url, line);
        text(answer).then(
          (body) => resolve({ status: answer.statusCode!, location: answer.headers.location, body }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  async function open(method: string, start: string | URL, until: string | null): Promise<Page> {
    const via: URL[] = [];
    let url = new URL(start);
    for (let verb = method; via.length < MAX_REDIRECTS; verb = 'GET') {
      if (until !== null && url.href.startsWith(until)) return { url, status: 0, body: '', text: '', via };
      const { status, location, body } = await send(verb, url);
      if (location === undefined) return { url, status, body, text: textOf(body), via };
      via.push(url);
      url = new URL(location, url);
    }
    throw new Error(`More than ${MAX_REDIRECTS} redirects`);
  }

  return {
    get: (url) => open('GET', url, null),
    submit: (url) => open('POST', url, null),
    submitUntil: async (url, until) => (await open('POST', url, until)).url,
  };
}

const textOf = (html: string): string =>
  html
    .replace(/<(style|script)[^<>]*>[^<]*<\/\1>/g, '')
    .replace(/<[^<>]*>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll('&apos;', "'")
    .replace(/\s+/g, ' ')
    .trim();
