import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { Pool } from 'pg';
import { PARSER_VERSION } from '../../domain/parsed-message.ts';
import { sqlOf } from '../plumbing/sql.ts';

const decompress = promisify(zstdDecompress);

/** Most bytes of sources that a step reads, unless a single message is larger. */
const MAX_BYTES = 4 * 1024 * 1024;

/** A message that an earlier version of the parser parsed. */
export interface StaleMessage {
  readonly id: string;
  readonly accountId: string;
  readonly sha256: Buffer;
  readonly packId: string;
  readonly sourceAt: number;
  readonly size: number;
  readonly text: TextPlace;
}

/** Position of a text and of the HTML after it. */
export interface TextPlace {
  readonly packId: string;
  /** Null if it is in the pack of the source. */
  readonly textPackId: string | null;
  readonly textAt: number;
  readonly textSize: number;
  readonly htmlSize: number | null;
}

/** Sorts before every account. */
export const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000';

/**
 * Returns at most `limit` stale messages of one account, the first one after `afterAccount` that has any. They are in
 * the order of packs, so that what is compressed together is read together. Without stale messages, this reads an empty
 * index.
 */
export async function staleMessages(pool: Pool, afterAccount: string, limit: number): Promise<StaleMessage[]> {
  const rows = await sqlOf(pool).query<Omit<StaleMessage, 'text'> & TextPlace>(
    `SELECT id, account_id, sha256, pack_id, source_at, size, text_pack_id, text_at, text_size, html_size
     FROM message
     WHERE parser_version < ${PARSER_VERSION} AND account_id = (
       SELECT account_id FROM message WHERE parser_version < ${PARSER_VERSION} AND account_id > $1
       ORDER BY account_id, pack_id LIMIT 1)
     ORDER BY account_id, pack_id LIMIT $2`,
    [afterAccount, limit],
  );
  let bytes = 0;
  return rows
    .filter(({ size }, i) => {
      bytes += size;
      return i === 0 || bytes <= MAX_BYTES;
    })
    .map(({ textPackId, textAt, textSize, htmlSize, ...message }) => ({
      ...message,
      text: { packId: message.packId, textPackId, textAt, textSize, htmlSize },
    }));
}

/** Returns the sources of messages, in their order; null for one whose pack is gone or cannot be decompressed. */
export async function sourcesOf(pool: Pool, messages: readonly StaleMessage[]): Promise<(Buffer | null)[]> {
  const packs = await unpacked(
    pool,
    'sources',
    messages.map(({ packId }) => packId),
  );
  return messages.map(({ packId, sourceAt, size }) => {
    const source = packs.get(packId)?.subarray(sourceAt, sourceAt + size);
    // A copy, because parsing transfers a large source to its thread.
    return source?.length === size ? Buffer.from(source) : null;
  });
}

/** Returns the bytes of texts and of the HTML after them, in their order; null for one that cannot be read. */
export async function textsOf(pool: Pool, places: readonly TextPlace[]): Promise<(Buffer | null)[]> {
  const packOf = ({ packId, textPackId }: TextPlace): string => textPackId ?? packId;
  const packs = await unpacked(pool, 'texts', places.map(packOf));
  return places.map((place) => {
    const { textAt, textSize, htmlSize } = place;
    return packs.get(packOf(place))?.subarray(textAt, textAt + textSize + (htmlSize ?? 0)) ?? null;
  });
}

async function unpacked(pool: Pool, column: 'sources' | 'texts', ids: readonly string[]): Promise<Map<string, Buffer>> {
  const rows = await sqlOf(pool).query<{ id: string; frame: Buffer }>(
    `SELECT id, ${column} AS frame FROM pack WHERE id = ANY ($1::uuid[])`,
    [[...new Set(ids)]],
  );
  const packs = new Map<string, Buffer>();
  for (const { id, frame } of rows) {
    const bytes = await decompress(frame).catch(() => null);
    if (bytes) packs.set(id, bytes);
  }
  return packs;
}
