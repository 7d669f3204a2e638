import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/**
 * The settings: read from the environment once, validated, frozen, and passed down from main.ts. Nothing else reads
 * process.env. The table in README.md documents each setting with its default and effect (a test compares both).
 */
const MEBIBYTE = 1024 * 1024;

const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, { error: `must be one of: ${values.join(', ')}` });
const flag = oneOf(['true', 'false', '1', '0', 'yes', 'no']).transform(
  (value) => value === 'true' || value === '1' || value === 'yes',
);
const integer = (min: number, max: number) => {
  const error = `must be an integer from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const ROLE = oneOf(['api', 'worker', 'scheduler']);

const settings = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: integer(0, 65535).default(4000),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, abort: true, error: 'must be a URL like https://mail.example.com' })
    .refine(
      (value) => new URL(value).pathname === '/',
      'must have no path, because the service needs its own host name',
    )
    .optional(),
  TRUSTED_PROXIES: z
    .string()
    .default('loopback')
    .transform((value) => value.split(',').map((entry) => entry.trim()))
    .refine(
      (entries) => entries.every((entry) => entry === 'loopback' || ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry)),
      'must be IP addresses, networks like 10.0.0.0/8, or loopback, separated by commas',
    )
    .readonly(),
  ROLES: z
    .string()
    .default('api,worker,scheduler')
    .transform((value) => value.split(',').map((role) => role.trim()))
    .pipe(z.array(ROLE).min(1))
    .readonly(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .optional(),
  REDIS_URL: z
    .string()
    .refine((value) => /^rediss?:\/\//.test(value) && URL.canParse(value), 'must be a URL like redis://host:6379')
    .optional(),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
    .default('mailtide'),
  DATABASE_POOL_SIZE: integer(2, 200).default(10),
  DATA_DIR: z.string().min(1).default('./data'),
  API_KEY: z
    .string()
    .regex(/^mt_[A-Za-z0-9]+_[A-Za-z0-9_-]{32,}$/, 'must look like mt_<id>_<secret of 32 characters or more>')
    .optional(),
  ADMIN_KEY: z.string().min(32, 'must have 32 characters or more (openssl rand -hex 32)').optional(),
  ENCRYPTION_KEY: z
    .string()
    .refine(
      (value) => Buffer.from(value, 'base64').length === 32,
      'must be 32 bytes in base64 (openssl rand -base64 32)',
    )
    .optional(),
  SYNC_ENABLED: flag.default(true),
  SYNC_INTERVAL_MINUTES: integer(1, 10_080).default(15),
  SYNC_CONCURRENCY: integer(1, 256).default(4),
  SYNC_MAX_RETRIES: integer(0, 20).default(3),
  SYNC_RETRY_BASE_SECONDS: integer(1, 3600).default(60),
  SYNC_TIME_LIMIT_MINUTES: integer(1, 1440).default(60),
  RUN_HISTORY_DAYS: integer(0, 36_500).default(90),
  MAX_MESSAGE_BYTES: integer(MEBIBYTE, 1024 * MEBIBYTE).default(64 * MEBIBYTE),
  MAX_MAILBOX_MESSAGES: integer(1000, 16_000_000).default(1_000_000),
  IMAP_TIMEOUT_SECONDS: integer(1, 3600).default(90),
  IMAP_ALLOW_PRIVATE_HOSTS: flag.optional(),
  OAUTH_GOOGLE_CLIENT_ID: z.string().optional(),
  OAUTH_GOOGLE_CLIENT_SECRET: z.string().optional(),
  OAUTH_MICROSOFT_CLIENT_ID: z.string().optional(),
  OAUTH_MICROSOFT_CLIENT_SECRET: z.string().optional(),
  OAUTH_MICROSOFT_TENANT: z
    .string()
    .regex(/^[\w.-]{1,255}$/, 'must be common, organizations, consumers, or the id or domain of a directory')
    .default('common'),
  OAUTH_PROVIDERS: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url('must be a URL').optional(),
  OTEL_TRACES_EXPORTER: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().default('mailtide'),
  // OpenTelemetry's specification: every value except "true" means false.
  OTEL_SDK_DISABLED: z
    .string()
    .transform((value) => value.toLowerCase() === 'true')
    .default(false),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

type Settings = z.infer<typeof settings>;

export type Config = Readonly<Settings & { IMAP_ALLOW_PRIVATE_HOSTS: boolean }>;

export const SETTING_NAMES = Object.keys(settings.shape);

/**
 * Returns the validated settings.
 * @throws an Error of one line that names the setting and its fault, never its value, which may be a secret
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    SETTING_NAMES.map((name) => [name, environment[name]] as const).filter(
      ([, value]) => value !== undefined && value !== '',
    ),
  );
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new Error(`Setting ${issue.path[0]?.toString()}: ${issue.message}`);
  }
  const config = parsed.data;
  if (config.REDIS_URL && !config.DATABASE_URL) {
    throw new Error(
      'Setting REDIS_URL: requires DATABASE_URL, because several processes must share a PostgreSQL server',
    );
  }
  if (config.DATABASE_URL && !config.ENCRYPTION_KEY) {
    throw new Error(
      'Setting ENCRYPTION_KEY: is required with DATABASE_URL, so that all nodes use the same key (openssl rand -base64 32)',
    );
  }
  return Object.freeze({
    ...config,
    // Clients of a loopback listener run on this machine and can reach its private hosts anyway, unless a proxy
    // forwards requests of others.
    IMAP_ALLOW_PRIVATE_HOSTS: config.IMAP_ALLOW_PRIVATE_HOSTS ?? (isLoopback(config.HOST) && !isPublished(config)),
  });
}

const isPublished = ({ PUBLIC_URL }: Settings): boolean =>
  PUBLIC_URL !== undefined && !isLoopback(new URL(PUBLIC_URL).hostname.replace(/^\[(.*)\]$/, '$1'));

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
