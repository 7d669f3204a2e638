import { type ClientRequest, get, type IncomingMessage } from 'node:http';

/** A subscription over server-sent events, read as slowly as the test wants. */
export interface EventStream {
  readonly response: IncomingMessage;
  /** Names and data of the events so far. */
  readonly events: { event: string; data: unknown }[];
  readonly ended: Promise<void>;
  close(): void;
}

export async function openEventStream(
  url: string,
  query: string,
  headers: Record<string, string>,
): Promise<EventStream> {
  const request: ClientRequest = get(`${url}/graphql?query=${encodeURIComponent(query)}`, {
    headers: { accept: 'text/event-stream', ...headers },
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  const events: EventStream['events'] = [];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const whole = text.split('\n\n');
    text = whole.pop()!;
    for (const one of whole) {
      const [, event, data = ''] = /^event: (\w+)\ndata: ?(.*)$/.exec(one) ?? [];
      if (event) events.push({ event, data: data ? JSON.parse(data) : null });
    }
  });
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  request.on('error', () => {});
  return { response, events, ended, close: () => request.destroy() };
}
