import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Returns the addresses that a hosts file has for a name. */
export type HostsFile = (name: string) => Promise<string[]>;

const files = new Map<string, HostsFile>();

/** Opens a hosts file, by default the system's. It is read again when it changes. */
export function hostsFile(path = '/etc/hosts'): HostsFile {
  const known = files.get(path);
  if (known) return known;
  let version = '';
  let names = new Map<string, string[]>();
  const file: HostsFile = async (name) => {
    const found = await stat(path).catch(() => null);
    if (!found) return [];
    const now = `${found.mtimeMs} ${found.size} ${found.ino}`;
    if (now !== version) {
      names = readHosts(await readFile(path, 'utf8'));
      version = now;
    }
    return names.get(name.toLowerCase()) ?? [];
  };
  files.set(path, file);
  return file;
}

/** Parses hosts(5): an address, then its names; `#` starts a comment. */
function readHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!isIP(address)) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      names.set(name, [...(names.get(name) ?? []), address]);
    }
  }
  return names;
}

/** Returns the domains of the last `search` or `domain` line of resolv.conf(5). Clusters use them for short names. */
export async function searchDomains(path = '/etc/resolv.conf'): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const [, ...domains] = lines.findLast(([word]) => word === 'search' || word === 'domain') ?? [];
  return domains.map((domain) => domain.replace(/\.$/, '')).filter(Boolean);
}
