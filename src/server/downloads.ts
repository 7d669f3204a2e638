import type { FastifyInstance, FastifyReply } from 'fastify';
import { found } from '../graphql/found.ts';
import { readSource } from '../store/mail/read-pack.ts';
import type { Database } from '../store/plumbing/database.ts';
import type { Authentication } from './authentication.ts';
import { tenantRequests } from './tenant-route.ts';

/** Extracts a stored attachment from the message's source; null if the source does not contain it. */
export type ReadAttachment = (
  source: Uint8Array,
  stored: {
    readonly index: number;
    readonly filename: string | null;
    readonly contentType: string;
    readonly size: number;
  },
  tenantId: string,
) => Promise<{ readonly filename: string | null; readonly content: Uint8Array } | null>;

/**
 * Untrusted bytes, always served for saving. If a browser shows them anyway, they have no scripts and no access to this
 * origin.
 */
const HOSTILE_CONTENT_POLICY = "sandbox; default-src 'none'";

/** Serves the sources of messages and attachments as files to their tenant. */
export function addDownloads(
  app: FastifyInstance,
  database: Database,
  authentication: Authentication,
  readAttachment: ReadAttachment,
): void {
  const messageOf = tenantRequests(database, authentication, 'Message');
  const attachmentOf = tenantRequests(database, authentication, 'Attachment');

  app.get('/messages/:id/source', async (request, reply) => {
    const { reader, id } = await messageOf(request);
    return send(reply, 'message/rfc822', `${id}.eml`, found(await readSource(reader, id)));
  });

  app.get('/attachments/:id', async (request, reply) => {
    const { reader, id, tenantId } = await attachmentOf(request);
    const attachment = found(await reader.attachment.findUnique({ where: { id } }));
    const source = found(await readSource(reader, attachment.messageId));
    const { index, filename, contentType, size } = attachment;
    const read = found(await readAttachment(source, { index, filename, contentType, size }, tenantId));
    const name = filename ?? read.filename ?? 'attachment';
    return send(reply, 'application/octet-stream', name, read.content);
  });
}

function send(reply: FastifyReply, type: string, filename: string, bytes: Uint8Array): FastifyReply {
  return reply
    .headers({ 'content-security-policy': HOSTILE_CONTENT_POLICY, 'content-disposition': savedAs(filename) })
    .type(type)
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Returns a Content-Disposition (RFC 6266): the name without folders and control characters, in ASCII and in UTF-8. */
export function savedAs(filename: string): string {
  const name =
    filename
      .toWellFormed()
      .replace(/[\p{Cc}\p{Cf}/\\]/gu, '_')
      .slice(0, 200) || 'attachment';
  const ascii = name.replace(/[^\x20-\x7e]|["%;]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
