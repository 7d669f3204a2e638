import type { Service } from './service.ts';

/** Returns what a service logged of the account or run with this global id. */
export function logOf(service: Service, globalId: string): string {
  const id = Buffer.from(globalId, 'base64url').toString().split(':')[1]!;
  const lines = service.log().split('\n');
  return lines.filter((line) => line.includes(id)).join('\n');
}
