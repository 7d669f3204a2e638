import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { simpleParser } from 'mailparser';
import { move } from 'piscina';
const str = (s: any): any => (s == null ? null : String(s).replaceAll('\0', '').toWellFormed());
const addr = (a: any): any => (a ? (Array.isArray(a) ? a : [a]).flatMap((x: any) => x.value.map((v: any) => ({ name: str(v.name) || null, address: str(v.address) ?? null }))) : []);
export default async function digest({ buffer, ends }: { buffer: Uint8Array; ends: number[] }): Promise<any> {
  const zs: Buffer[] = []; let off = 0; const messages = []; let from = 0;
  for (const end of ends) {
    const s = Buffer.from(buffer.buffer, buffer.byteOffset + from, end - from); from = end;
    const z = zstdCompressSync(s);
    const m: any = await simpleParser(s, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true } as any).catch(() => ({ attachments: [] }));
    const d = m.date && !Number.isNaN(m.date.getTime()) && m.date.getFullYear() > 0 && m.date.getFullYear() < 9999 ? m.date : null;
    messages.push({ sha256: createHash('sha256').update(s).digest('hex'), size: s.length, zstdOffset: off, zstdLength: z.length, messageIdHeader: str(m.messageId), references: [...(m.inReplyTo ? [m.inReplyTo] : []), ...(Array.isArray(m.references) ? m.references : m.references ? [m.references] : [])], subject: str(m.subject), from: addr(m.from), to: addr(m.to), cc: addr(m.cc), bcc: [], replyTo: [], sentAt: d, text: str(m.text) ?? '', html: str(m.html || null), snippet: (str(m.text) ?? '').replace(/\s+/g, ' ').slice(0, 200).toWellFormed(), attachments: m.attachments.map((a: any) => ({ filename: str(a.filename), contentType: str(a.contentType) ?? 'application/octet-stream', size: a.size, contentId: str(a.contentId), isInline: a.contentDisposition === 'inline' })), parseError: null });
    off += z.length; zs.push(z);
  }
  const zstd = Buffer.concat(zs);
  const own = new Uint8Array(zstd);
  void move;
  return { messages, zstd: own };
}
export async function attachment(): Promise<null> { return null; }
