import type { FastifyRequest } from 'fastify';
import { type NodeType, requireId } from '../graphql/ids.ts';
import type { Database } from '../store/plumbing/database.ts';
import type { Credential } from '../store/tenancy/api-key.ts';
import { type TenantReader, tenantScoped } from '../store/tenancy/tenant-scope.ts';
import type { Authentication } from './authentication.ts';

export interface TenantRequest {
  readonly credential: Credential;
  readonly tenantId: string;
  /** Reads only the tenant's rows. */
  readonly reader: TenantReader;
  /** The database id that the global id in the path stands for. */
  readonly id: string;
}

/**
 * Authenticates requests for one object of a tenant, `/things/:id`.
 * @throws UNAUTHENTICATED; NOT_FOUND if the id is invalid or of another type
 */
export function tenantRequests(
  { prisma }: Pick<Database, 'prisma'>,
  authentication: Authentication,
  type: NodeType,
): (request: FastifyRequest) => Promise<TenantRequest> {
  return async (request) => {
    const credential = await authentication.ofRequest(request.raw);
    const { tenantId } = credential;
    const { id } = request.params as { id: string };
    return { credential, tenantId, reader: tenantScoped(prisma, tenantId), id: requireId(type, id) };
  };
}
