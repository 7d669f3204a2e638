/**
 * Mailbox names are sent in modified UTF-7 (RFC 3501, 5.1.3): UTF-16 in base64 with "," for "/", between "&" and "-".
 */
export function encodeMailboxName(path: string): string {
  return path.replaceAll('&', '&-').replace(/[^\x20-\x7e]+/g, (run) => {
    const utf16 = Buffer.from(run, 'utf16le').swap16();
    return `&${utf16.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}

export function decodeMailboxName(name: string): string {
  return name.replace(/&([^-]*)-/g, (_, base64: string) =>
    base64 === '' ? '&' : Buffer.from(base64.replaceAll(',', '/'), 'base64').swap16().toString('utf16le'),
  );
}
