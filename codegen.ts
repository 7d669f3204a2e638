import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the operations that the page, the demo and the tests share. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: 'src/ui/operations/*.graphql',
  generates: {
    'src/generated/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        importExtension: '.ts',
        emitLegacyCommonJSImports: false,
        scalars: { DateTime: 'string', BigInt: 'string', JSON: 'unknown' },
      },
    },
  },
};

export default config;
