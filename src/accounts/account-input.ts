import { z } from 'zod';
import { CONNECTION_SECURITIES } from '../domain/imap-types.ts';
import { MailtideError } from '../errors.ts';
import { canonicalHost } from '../net/addresses.ts';

/** The caller's input before validation. GraphQL passes null for fields that are left out. */
export type ConnectionInput = z.input<typeof connection>;
export type CreateAccountInput = z.input<typeof createAccount>;
export type UpdateAccountInput = z.input<typeof updateAccount>;

/** A validated IMAP server and username. */
export type ImapServer = z.output<typeof imapServer>;

/** A week. For longer intervals, clients start syncs themselves. */
const MAX_INTERVAL_MINUTES = 10_080;
const MAX_SECRET_LENGTH = 8192;

/** PostgreSQL cannot store NUL, and no valid name or address contains control characters. */
const line = (maxLength: number) =>
  z
    .string()
    .max(maxLength, `must not be longer than ${maxLength} characters`)
    .refine((value) => !/\p{Cc}/u.test(value), 'must not contain control characters');

/** RFC 5321, 2.4: the domain is case-insensitive; only its server may interpret the part before the @. */
const emailAddress = line(320)
  .trim()
  .refine((value) => z.regexes.unicodeEmail.test(value), 'is not an email address')
  .transform((value) => {
    const at = value.lastIndexOf('@');
    return value.slice(0, at) + value.slice(at).toLowerCase();
  });

const secret = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_SECRET_LENGTH, 'is too long')
  // RFC 4616: NUL separates the parts of a login.
  .refine((value) => !value.includes('\0'), 'must not contain NUL')
  // Not allowed in an IMAP quoted string (RFC 9051, 9), and always a line end that was copied by mistake.
  .refine((value) => !/[\r\n]/.test(value), 'must not contain line breaks');

export const imapServer = z.object({
  host: line(255).transform((value, context) => {
    const host = canonicalHost(value);
    if (host !== null) return host;
    context.addIssue({ code: 'custom', message: 'is not a host name' });
    return z.NEVER;
  }),
  port: z.int().min(1, 'must be between 1 and 65535').max(65_535, 'must be between 1 and 65535'),
  security: z.enum(CONNECTION_SECURITIES),
  username: line(320)
    .trim()
    .nullish()
    .transform((value) => value || null),
});

const credentials = z
  .object({ password: secret.nullish(), oauth2: z.object({ accessToken: secret }).nullish() })
  .transform(({ password, oauth2 }, context) => {
    if (password && !oauth2) return { password };
    if (oauth2 && !password) return { accessToken: oauth2.accessToken };
    context.addIssue({ code: 'custom', message: 'must have either password or oauth2' });
    return z.NEVER;
  });

const displayName = line(200)
  .trim()
  .nullish()
  .transform((value) => (value === undefined ? undefined : value || null));

const interval = z
  .int()
  .min(1, `must be between 1 and ${MAX_INTERVAL_MINUTES} minutes`)
  .max(MAX_INTERVAL_MINUTES, `must be between 1 and ${MAX_INTERVAL_MINUTES} minutes`)
  .nullish();

export const suggestion = z.object({ emailAddress });

export const connection = z.object({ emailAddress, imap: imapServer, credentials });

export const createAccount = connection.extend({
  displayName,
  syncIntervalMinutes: interval,
  isActive: z.boolean().default(true),
  verify: z.boolean().default(true),
});

export const updateAccount = z.object({
  displayName,
  imap: imapServer.nullish(),
  credentials: credentials.nullish(),
  syncIntervalMinutes: interval,
  isActive: z.boolean().nullish(),
  verify: z.boolean().default(true),
});

/** Faults that one error lists. No input has more fields. */
const MAX_FAULTS = 20;

/** Validates an input. @throws BAD_USER_INPUT that names each invalid field and its fault, never its value */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, MAX_FAULTS).map(({ path, message }) => `${path.join('.')}: ${message}.`);
  throw new MailtideError('BAD_USER_INPUT', { message: faults.join(' ') });
}
