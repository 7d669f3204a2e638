import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { TenantReader } from './tenant-scope.ts';

const decompress = promisify(zstdDecompress);

/** The bytes of a message as received; null when there is no such message, or it is another tenant's. */
export async function readSource(reader: TenantReader, messageId: string): Promise<Buffer | null> {
  const stored = await reader.messageSource.findUnique({ where: { messageId } });
  return stored && decompress(stored.zstd);
}
