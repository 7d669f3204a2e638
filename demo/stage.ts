import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { waitFor } from '../lab/wait.ts';
import { CreateEmailAccountDocument } from '../src/generated/gql/graphql.ts';
import { type Api, createApi } from './api.ts';
import type { Children } from './children.ts';
import type { SampleServer } from './sample-imap.ts';

export interface Stage {
  readonly api: Api;
  readonly accountId: string;
  /** The address of the sample mailbox. */
  readonly imap: { host: string; port: number; security: 'NONE'; username: string; password: string };
  /** How many messages the sample server has. */
  readonly messages: number;
  /** Delivers a new message there. */
  readonly deliver: () => void;
}

const USUAL_PORT = 4000;
/** The first start creates a database, which takes longer. Milliseconds. */
const START_WITHIN_MS = 60_000;

/** The sample server, and the service on an empty database with the sample mailbox connected through the public API. */
export async function setUpStage(children: Children): Promise<Stage> {
  const sample = children.start('sample IMAP server', [process.execPath, 'demo/sample-imap.ts']);
  const key = `mt_demo_${randomBytes(32).toString('base64url')}`;
  children.start('service', ['sh', 'scripts/service.sh', 'src/main.ts'], {
    PORT: process.env['PORT'] ?? ((await isFree(USUAL_PORT)) ? String(USUAL_PORT) : '0'),
    DATA_DIR: `${children.folder}/data`,
    API_KEY: key,
    // Only a sync that starts while the user watches is shown.
    SYNC_ENABLED: 'false',
  });
  const [{ port, messages, username, password }] = (await once(sample, 'message')) as [SampleServer];
  const imap = { host: '127.0.0.1', port, security: 'NONE', username } as const;
  const url = await waitFor(() => /^Mailtide listens on (\S+)$/m.exec(children.logOf('service'))?.[1], {
    what: 'the service to listen',
    timeoutMs: START_WITHIN_MS,
  });
  const api = createApi(url, key);
  const { createEmailAccount } = await api.ask(CreateEmailAccountDocument, {
    input: {
      emailAddress: 'sample@example.com',
      imap,
      credentials: { password },
    },
  });
  return {
    api,
    accountId: createEmailAccount.id,
    imap: { ...imap, password },
    messages,
    deliver: () => sample.send('deliver'),
  };
}

/** The address that signs a browser in and leads to `next`. */
export const signInLink = ({ url, key }: Api, next?: string): string =>
  `${url}/sign-in?key=${key}${next ? `&next=${next}` : ''}`;

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
