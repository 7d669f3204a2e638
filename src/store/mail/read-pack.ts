import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { TenantReader } from '../tenancy/tenant-scope.ts';

const decompress = promisify(zstdDecompress);

/** Returns the texts of those of the messages that exist and are the tenant's, by id. */
export function readTexts(reader: TenantReader, messageIds: readonly string[]): Promise<Map<string, string>> {
  return readPacked(reader, messageIds, ({ textAt, textSize }) => [textAt, textSize]);
}

/** Returns the HTML, as it was sent, of those of the messages that have any, exist and are the tenant's, by id. */
export function readHtml(reader: TenantReader, messageIds: readonly string[]): Promise<Map<string, string>> {
  return readPacked(
    reader,
    messageIds,
    ({ textAt, textSize, htmlSize }) => htmlSize !== null && [textAt + textSize, htmlSize],
  );
}

interface PackSlice {
  readonly textAt: number;
  readonly textSize: number;
  readonly htmlSize: number | null;
}

/** @param part returns the offset and length of a message's part in the texts of its pack; false if it has none */
async function readPacked(
  reader: TenantReader,
  messageIds: readonly string[],
  part: (place: PackSlice) => [number, number] | false,
): Promise<Map<string, string>> {
  const select = { id: true, packId: true, textPackId: true, textAt: true, textSize: true, htmlSize: true };
  const places = await reader.message.findMany({ where: { id: { in: [...messageIds] } }, select });
  const byPack = Map.groupBy(places.filter(part), ({ packId, textPackId }) => textPackId ?? packId);
  const packs = await reader.pack.findMany({
    where: { id: { in: [...byPack.keys()] } },
    select: { id: true, texts: true },
  });
  const found = new Map<string, string>();
  // One after the other, so that no pack is kept: it may be a hundred times as large as the part that is needed.
  for (const pack of packs) {
    const texts = await decompress(pack.texts);
    for (const place of byPack.get(pack.id)!) {
      const [from, length] = part(place) as [number, number];
      found.set(place.id, texts.toString('utf8', from, from + length));
    }
  }
  return found;
}

/** Returns the bytes of a message as received; null if it does not exist, or is another tenant's. */
export async function readSource(reader: TenantReader, messageId: string): Promise<Buffer | null> {
  const select = { packId: true, sourceAt: true, size: true };
  const place = await reader.message.findUnique({ where: { id: messageId }, select });
  const pack = place && (await reader.pack.findUnique({ where: { id: place.packId }, select: { sources: true } }));
  if (!pack) return null;
  const sources = await decompress(pack.sources);
  return sources.subarray(place.sourceAt, place.sourceAt + place.size);
}
