import { mails } from '../../lab/mail/mails.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import type { Service } from '../../lab/service/service.ts';
import { connectAccount, syncRun } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

/** Messages of a mailbox whose run lasts long enough for a fault in its middle. */
export const SIZE = 3000;

/** Connects an account of a new user with that many messages. */
export async function mailbox(
  service: Service,
  user: string,
  size: number,
): Promise<{ account: string; user: string }> {
  dovecot.addUser(user, { INBOX: mails(0, size) });
  return { account: await connectAccount(service, dovecot, user), user };
}

/** Waits until the run of a mailbox of that SIZE is in its middle, and returns it. */
export const inTheMiddle = (service: Service, runId: string) =>
  waitFor(
    async () => {
      const run = await syncRun(service, runId);
      return run.messagesProcessed > 200 && run.messagesProcessed < SIZE - 500 && run;
    },
    { what: 'the middle of the run', timeoutMs: 60_000 },
  );
