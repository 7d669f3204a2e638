import { defineConfig } from 'prisma/config';

// The CLI downloads a schema engine binary, although `generate` never runs it, unless this names an existing program.
// Migrations are applied by the WASM engine (src/store/plumbing/migrate.ts).
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;

export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } });
