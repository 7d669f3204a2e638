import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Otherwise Vitest loads graphql's CommonJS build for our imports, and packages load its ES modules. An error of one
  // copy is no GraphQLError of the other, so that every error would be masked, in tests only.
  ssr: { resolve: { conditions: ['module-sync', 'node', 'development|production'] } },
  test: {
    projects: [
      // Pure tests, without a server or a process.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**'],
          globalSetup: 'lab/servers/global-setup.ts',
        },
      },
    ],
    // Processes, because tests kill and measure what they start. Two, because each puts load on real servers.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
