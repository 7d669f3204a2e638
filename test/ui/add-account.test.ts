import { expect, test } from 'vitest';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { connectAccount, startSync } from '../../lab/service/sync.ts';
import { bar, IN_INBOX, moved, slowMailboxes, state } from './slow-mailboxes.ts';

const ui = slowMailboxes('ui-add');

test('adding an account, a wrong password first, ends in a running sync', async () => {
  const { page, server, visitor } = ui;
  const user = ui.newUser();
  await page.getByRole('link', { name: 'Add your first account' }).click();
  await page.getByLabel('Email address').fill(`${user}@example.com`);
  await page.getByLabel('IMAP server').fill(server.host);
  // Nothing is known about the domain, so the form shows the server's fields.
  await page.getByLabel('Port').waitFor();
  await page.getByLabel('Port').fill(String(server.port));
  await page.getByRole('combobox', { name: 'Security' }).click();
  await page.getByRole('option', { name: /^None/ }).click();
  await page.getByLabel('Username').fill(user);
  await page.locator('input[type=password]').fill('wrong');
  await page.getByRole('button', { name: 'Connect and sync' }).click();
  await page
    .getByTestId('failure')
    .getByText(/rejected the username or the password/)
    .waitFor();

  await page.locator('input[type=password]').fill(dovecot.password);
  await page.getByRole('button', { name: 'Connect and sync' }).click();
  await state(page).getByText('Syncing').waitFor();
  await moved(page, await moved(page));
  expect(await bar(page).getAttribute('aria-valuetext')).toMatch(/^[\d.]+\s?%, \d+ of \d+ messages$/);
  await ui.upToDate();

  const receipt = page.getByRole('region', { name: 'Receipt', exact: true });
  await receipt.getByText('Complete', { exact: true }).waitFor();
  await receipt.getByRole('row', { name: `INBOX ${IN_INBOX} ${IN_INBOX} message by message` }).waitFor();
  await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Events' }).click();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByRole('dialog').getByText('Intact').waitFor();
  expect(visitor.complaints).toEqual([]);
});

test("a provider's address fills in the server and shows what its login needs", async () => {
  const { page, service } = ui;
  await page.goto(`${service.url}/accounts/new`);
  await page.getByLabel('Email address').fill('ann@gmail.com');
  // The domain's own web server is asked first, and may be slow.
  await expect.poll(() => page.getByLabel('IMAP server').inputValue(), { timeout: 10_000 }).toBe('imap.gmail.com');
  await page.getByText('Port 993, TLS').waitFor();
  expect(await page.getByRole('link', { name: 'myaccount.google.com/apppasswords' }).getAttribute('href')).toBe(
    'https://myaccount.google.com/apppasswords',
  );
  // A server that was filled in belongs to one address: the password for another one must not be sent there.
  await page.getByLabel('Email address').fill('ann@nowhere.invalid');
  await expect.poll(() => page.getByLabel('IMAP server').inputValue()).toBe('');
  await page.getByLabel('Email address').fill('ann@outlook.com');
  await page.getByText('Mailtide cannot request a token for you').waitFor();
  await page.getByLabel('IMAP server').fill('imap.example.org');
  await page.getByText('Mailtide cannot request a token for you').waitFor({ state: 'hidden' });
  await page.getByLabel('Email address').fill('ann@icloud.com');
  await page.getByLabel('Email address').blur();
  await page.getByText('As you typed it. The suggestion for this address is imap.mail.me.com.').waitFor();
  expect(await page.getByLabel('IMAP server').inputValue(), 'what was typed stays').toBe('imap.example.org');
  expect(await page.getByText('App password').count()).toBe(0);
});

test('a connected address is reported before any login, with a link to its account', async () => {
  const { page, server, service, visitor } = ui;
  const user = ui.newUser();
  const account = await ui.connected(user);
  await page.goto(`${service.url}/accounts/new`);
  await page.getByLabel('Email address').fill(`${user.toUpperCase()}@example.com`);
  await page.getByLabel('IMAP server').fill(server.host);
  await page.locator('input[type=password]').fill('wrong');
  await page.getByRole('button', { name: 'Connect and sync' }).click();
  await page.getByRole('link', { name: `open ${user}@example.com` }).click();
  await page.waitForURL(`${service.url}/accounts/${account}`);
  expect(visitor.complaints).toEqual([]);
});

test('after a refused password, a new one lets the account continue', async () => {
  const { page, server, service } = ui;
  const user = ui.newUser();
  const wrong = { host: server.host, port: server.port, password: 'old' };
  const account = await connectAccount(service, wrong, user, { verify: false });
  await startSync(service, account);
  await page.goto(`${service.url}/accounts/${account}`);
  await state(page).getByText('Needs a new password').waitFor();
  await page.getByRole('link', { name: /^Enter password/ }).click();
  await page.getByLabel('New password').fill('also wrong');
  await page.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('alert')
    .getByText(/rejected the username or the password/)
    .waitFor();
  await page.getByLabel('New password').fill(dovecot.password);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('button', { name: /^Sync now/ }).click();
  await ui.upToDate();
});
