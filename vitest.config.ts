import { defineConfig } from 'vitest/config';

const withServers = (name: string, include: string[], exclude: string[] = []) => ({
  extends: true as const,
  test: { name, include, exclude, globalSetup: 'lab/servers/global-setup.ts' },
});

export default defineConfig({
  // Otherwise Vitest loads graphql's CommonJS build for our imports, and packages load its ES modules. An error of one
  // copy is no GraphQLError of the other, so that every error would be masked, in tests only.
  ssr: { resolve: { conditions: ['module-sync', 'node', 'development|production'] } },
  test: {
    // Vitest applies an --exclude of the command line to no project: what runs apart is a project of its own.
    projects: [
      // Pure tests, without a server or a process. Their files share two processes, because loading the sources again for
      // each file took more time than the tests.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      withServers('servers', ['test/**/*.test.ts'], ['test/{unit,alone,long}/**']),
      withServers('alone', ['test/alone/**/*.test.ts']),
      withServers('long', ['test/long/*.test.ts']),
      withServers('long-alone', ['test/long/alone/**/*.test.ts']),
    ],
    // Processes, because tests kill and measure what they start. Two, because each puts load on real servers.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
