import { hash, randomBytes } from 'node:crypto';
import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';

/** The keys for credentials: the current key encrypts, all keys decrypt. */
export interface Keyring {
  readonly currentKeyId: string;
  readonly keys: ReadonlyMap<string, Buffer>;
}

export interface KeySource {
  /** 32 bytes in base64 (the setting ENCRYPTION_KEY). */
  readonly encryptionKey?: string | undefined;
  /** Holds the key file, created at the first start, that is used if `encryptionKey` is not set. */
  readonly dataDir: string;
}

const KEY_BYTES = 32;
const KEY_FILE = 'encryption.key';
const OTHERS = 0o077;

/** Opens the keyring. @throws Error of one sentence, without the key, if no key is usable */
export async function openKeyring({ encryptionKey, dataDir }: KeySource): Promise<Keyring> {
  if (encryptionKey !== undefined) return keyringOf(encryptionKey, 'ENCRYPTION_KEY');
  const file = join(dataDir, KEY_FILE);
  await createKeyFile(dataDir, file);
  const { mode } = await stat(file);
  if (mode & OTHERS) {
    throw new Error(`Other users of this machine can read ${file}. Run chmod 600 on it, or replace the key.`);
  }
  return keyringOf(await readFile(file, 'utf8'), file);
}

function keyringOf(base64: string, source: string): Keyring {
  const key = Buffer.from(base64.trim(), 'base64');
  if (key.length !== KEY_BYTES)
    throw new Error(`${source} is not a key. It must be 32 bytes in base64 (openssl rand -base64 32).`);
  const currentKeyId = hash('sha256', key, 'hex').slice(0, 8);
  return { currentKeyId, keys: new Map([[currentKeyId, key]]) };
}

/** Creates the key file atomically, even if two processes start at once: the file is linked once it is on the disk. */
async function createKeyFile(folder: string, file: string): Promise<void> {
  if (await exists(file)) return;
  makeFolder(folder);
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await handle.sync();
    await link(draft, file).catch(unlessThere);
  } finally {
    await handle.close();
    await unlink(draft);
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return false;
    },
  );

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
