import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { Message } from '../generated/prisma/client.ts';
import type { TenantReader } from './tenant-scope.ts';

const decompress = promisify(zstdDecompress);

/** What finds a message's text and HTML in its pack: the columns to be selected. */
export const TEXT_PLACE = { packId: true, textAt: true, textSize: true, htmlSize: true } as const;
export type TextPlace = Pick<Message, keyof typeof TEXT_PLACE>;

/** The texts of packs, by pack id, of those that are there and the tenant's. */
export async function readTexts(reader: TenantReader, packIds: readonly string[]): Promise<Map<string, Buffer>> {
  const packs = await reader.pack.findMany({ where: { id: { in: [...packIds] } }, select: { id: true, texts: true } });
  return new Map(await Promise.all(packs.map(async ({ id, texts }) => [id, await decompress(texts)] as const)));
}

export const textIn = (texts: Buffer, { textAt, textSize }: TextPlace): string =>
  texts.toString('utf8', textAt, textAt + textSize);

export const htmlIn = (texts: Buffer, { textAt, textSize, htmlSize }: TextPlace): string | null =>
  htmlSize === null ? null : texts.toString('utf8', textAt + textSize, textAt + textSize + htmlSize);

/** A message's HTML as it was sent; null when it has none, there is no such message, or it is another tenant's. */
export async function readHtml(reader: TenantReader, messageId: string): Promise<string | null> {
  const place = await reader.message.findUnique({ where: { id: messageId }, select: TEXT_PLACE });
  if (!place || place.htmlSize === null) return null;
  const texts = (await readTexts(reader, [place.packId])).get(place.packId);
  return texts ? htmlIn(texts, place) : null;
}

/** The bytes of a message as received; null when there is no such message, or it is another tenant's. */
export async function readSource(reader: TenantReader, messageId: string): Promise<Buffer | null> {
  const select = { packId: true, sourceAt: true, size: true };
  const place = await reader.message.findUnique({ where: { id: messageId }, select });
  const pack = place && (await reader.pack.findUnique({ where: { id: place.packId }, select: { sources: true } }));
  if (!pack) return null;
  const sources = await decompress(pack.sources);
  return sources.subarray(place.sourceAt, place.sourceAt + place.size);
}
