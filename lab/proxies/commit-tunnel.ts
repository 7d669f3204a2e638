import { openRelay } from './relay.ts';

/** PostgreSQL's response after a COMMIT: CommandComplete (C), its length, the tag. */
const COMMITTED = Buffer.from('C\0\0\0\x0bCOMMIT\0', 'latin1');
/** A batch of messages is stored by one statement, which is its own transaction: */
const STORE = 'INSERT INTO message ';
/** it ends with the run's row. ReadyForQuery (Z), its length, idle: the transaction has ended. */
const STORED = /C\0\0\0.UPDATE 1\0Z\0\0\0.I$/s;

export type CommitTunnel = AsyncDisposable & {
  /** The database's URL through the tunnel. */
  readonly databaseUrl: string;
  /** Called when a commit is durable and its client does not know yet. True withholds all further responses. */
  onCommit: (() => boolean) | null;
};

/** Opens a tunnel to a PostgreSQL that detects commits, without any change in the program that commits. */
export async function openCommitTunnel(databaseUrl: string): Promise<CommitTunnel> {
  const [to, url] = [new URL(databaseUrl), new URL(databaseUrl)];
  const watch = { onCommit: null as CommitTunnel['onCommit'] };
  const relay = await openRelay({ host: to.hostname, port: Number(to.port) }, (client, upstream) => {
    client.pipe(upstream);
    let [silent, storing] = [false, false];
    client.on('data', (chunk: Buffer) => {
      storing ||= chunk.includes(STORE);
    });
    upstream.on('data', (chunk: Buffer) => {
      // Neither is ever split: both are responses of a few hundred bytes.
      const stored = storing && STORED.test(chunk.toString('latin1'));
      if (stored) storing = false;
      if (!silent && (stored || chunk.includes(COMMITTED))) silent = watch.onCommit?.() ?? false;
      if (!silent && client.writable) client.write(chunk);
    });
  });
  url.hostname = relay.host;
  url.port = String(relay.port);
  return Object.assign(watch, { databaseUrl: url.href, [Symbol.asyncDispose]: relay.close });
}
