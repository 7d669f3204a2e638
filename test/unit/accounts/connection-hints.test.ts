import { expect, test } from 'vitest';
import { hintFor } from '../../../src/accounts/connection-hints.ts';

const at = (host: string) => ({ host, port: 993, security: 'TLS' as const, username: 'ann' });

test('a mailbox that Microsoft does not open, has a hint where IMAP is enabled', () => {
  const code = 'MAILBOX_NOT_ACCESSIBLE';
  expect(hintFor(code, at('outlook.office365.com'))).toMatch(/Manage email apps.+shared mailbox/);
  expect(hintFor(code, at('mail.example.com'))).toBeNull();
});
