import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { PackPlace, Packs } from '../../domain/parsed-batch.ts';
import { pgArrayItems } from '../../pg-formats/pg-array.ts';
import { type StaleMessage, type TextPlace, textsOf } from './stale-messages.ts';

const decompress = promisify(zstdDecompress);
const compress = promisify(zstdCompress);

export interface NewTexts {
  /** The new positions of the texts, by message id. */
  readonly places: ReadonlyMap<string, TextPlace>;
  /** The pack to write; null if no text has changed. */
  readonly pack: { readonly id: string; readonly texts: Buffer } | null;
}

/** Packs the texts that have changed into a new pack without sources. Unchanged texts keep their positions. */
export async function newTexts(
  pool: Pool,
  messages: readonly { readonly stale: StaleMessage; readonly place: PackPlace }[],
  packs: Packs,
): Promise<NewTexts> {
  const frames: Buffer[] = [];
  for (const frame of pgArrayItems(packs.texts)) frames.push(await decompress(frame));
  const before = await textsOf(
    pool,
    messages.map(({ stale }) => stale.text),
  );
  const id = newId();
  const changed: Buffer[] = [];
  const places = new Map<string, TextPlace>();
  let end = 0;
  for (const [i, { stale, place }] of messages.entries()) {
    const { pack, textAt, textSize, htmlSize } = place;
    const text = frames[pack]!.subarray(textAt, textAt + textSize + (htmlSize ?? 0));
    const isAsItWas = textSize === stale.text.textSize && htmlSize === stale.text.htmlSize && before[i]?.equals(text);
    if (isAsItWas) {
      places.set(stale.id, stale.text);
      continue;
    }
    places.set(stale.id, { packId: stale.packId, textPackId: id, textAt: end, textSize, htmlSize });
    changed.push(text);
    end += text.length;
  }
  return { places, pack: changed.length > 0 ? { id, texts: await compress(Buffer.concat(changed), LEVEL) } : null };
}

/** The level of src/mime/columns/pack-writer.ts. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
