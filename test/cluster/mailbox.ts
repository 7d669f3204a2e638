import { mails } from '../../lab/mail/mails.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import type { Service } from '../../lab/service/service.ts';
import { connectAccount, syncRun } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

/** Messages of a mailbox whose run has a middle, in which things can happen to it. */
export const SIZE = 3000;

/** An account of a new user with that many messages. */
export async function mailbox(
  service: Service,
  user: string,
  size: number,
): Promise<{ account: string; user: string }> {
  dovecot.addUser(user, { INBOX: mails(0, size) });
  return { account: await connectAccount(service, dovecot, user), user };
}

/** The run, when it is there; of a mailbox of that SIZE. */
export const inTheMiddle = (service: Service, runId: string) =>
  waitFor(
    async () => {
      const run = await syncRun(service, runId);
      return run.messagesProcessed > 200 && run.messagesProcessed < SIZE - 500 && run;
    },
    { what: 'the middle of the run', timeoutMs: 60_000 },
  );
