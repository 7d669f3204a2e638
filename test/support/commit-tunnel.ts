import { openRelay } from './relay.ts';

/**
 * What PostgreSQL says when a COMMIT is done, or an UPDATE outside of a transaction, which is how a batch is stored:
 * CommandComplete (C), its length, the tag; ReadyForQuery (Z), its length, idle.
 */
const COMMITTED = /C\0\0\0.(?:COMMIT|UPDATE [1-9]\d*)\0Z\0\0\0\x05I/s;

export type CommitTunnel = AsyncDisposable & {
  /** The database's URL, through the tunnel. */
  readonly databaseUrl: string;
  /** Called when a commit is durable and its client has not heard of it; true keeps it from hearing anything more. */
  onCommit: (() => boolean) | null;
};

/** A way to a PostgreSQL on which commits can be seen, without a word of it in the program that commits. */
export async function openCommitTunnel(databaseUrl: string): Promise<CommitTunnel> {
  const [to, url] = [new URL(databaseUrl), new URL(databaseUrl)];
  const watch = { onCommit: null as CommitTunnel['onCommit'] };
  const relay = await openRelay({ host: to.hostname, port: Number(to.port) }, (client, upstream) => {
    client.pipe(upstream);
    let silent = false;
    upstream.on('data', (chunk: Buffer) => {
      // Hardly ever in two parts: it is the end of an answer of a few hundred bytes.
      if (!silent && COMMITTED.test(chunk.toString('latin1'))) silent = watch.onCommit?.() ?? false;
      if (!silent && client.writable) client.write(chunk);
    });
  });
  url.hostname = relay.host;
  url.port = String(relay.port);
  return Object.assign(watch, { databaseUrl: url.href, [Symbol.asyncDispose]: relay.close });
}
