import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vitest would take graphql's CommonJS build for our imports while packages load its ES modules: two copies, whose
  // GraphQLErrors are not each other's instances, so that every error would be masked, in tests only.
  ssr: { resolve: { conditions: ['module-sync', 'node', 'development|production'] } },
  test: {
    projects: [
      // Pure: neither a server nor a process, so that all of them take seconds.
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
    // Processes, because tests kill and measure what they start; two, because each works a real server hard.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
