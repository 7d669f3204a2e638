import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { EVENT_TYPES, eventSchemas } from '../../../src/timeline/schemas.ts';

test('every type has its schemas as JSON Schema, numbered from 1', () => {
  const schemas = eventSchemas();
  for (const type of EVENT_TYPES) {
    const versions = schemas.filter((schema) => schema.type === type).map((schema) => schema.version);
    expect(versions).toEqual(versions.map((_, i) => i + 1));
    expect(versions).not.toEqual([]);
  }
  for (const { jsonSchema } of schemas)
    expect(jsonSchema).toMatchObject({ type: 'object', additionalProperties: false });
});

test('a published schema does not change', () => {
  const digest = (schema: unknown) => createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 12);
  const published = eventSchemas().map(({ type, version, jsonSchema }) => `${type} ${version} ${digest(jsonSchema)}`);
  // A line may be added here, none may be changed: append a new version of the type instead.
  expect(published).toMatchInlineSnapshot(`
    [
      "account_connected 1 6c2d1eddb2a4",
      "account_reconnected 1 63af8e6302cf",
      "account_paused 1 25c7d85c859a",
      "account_resumed 1 25c7d85c859a",
      "account_needs_auth 1 fc6451b03c52",
      "mailbox_created 1 572349c16f76",
      "mailbox_renamed 1 4fe47484b431",
      "mailbox_deleted 1 572349c16f76",
      "mailbox_reset 1 1181172ba04e",
      "email_received 1 4d3c7b6c012e",
      "email_copied 1 ae73dae852ea",
      "email_moved 1 b9cb38d432cf",
      "email_quarantined 1 5fbb5126abbb",
      "email_deleted 1 ae73dae852ea",
      "email_flags_changed 1 9fe95909d909",
      "sync_succeeded 1 c90e943ee914",
      "sync_failed 1 962f8bf68f0d",
      "sync_cancelled 1 c90e943ee914",
    ]
  `);
});
