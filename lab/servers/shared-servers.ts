import { inject } from 'vitest';
import { dovecotAt } from './dovecot.ts';
import type {} from './global-setup.ts';
import { emptyDatabase, postgresAt } from './postgres.ts';

/** The servers that all test files share. Each test uses its own users, databases and Redis prefixes. */
export const dovecot = dovecotAt(inject('dovecot'));
export const postgres = postgresAt(inject('postgres'));
/** For `createDatabase`: a database without a schema. */
export const EMPTY = { template: emptyDatabase(inject('postgres')) };
export const redisUrl = inject('redis');
