import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { diesAnywhere } from './dies-anywhere.ts';

diesAnywhere({
  name: 'changes',
  async change(user) {
    dovecot.deliver(user, 'INBOX', mails(20, 26));
    dovecot.deliver(user, 'Work', mails(30, 34));
    using actor = await RawImap.login({ ...dovecot, user });
    await actor.select('INBOX');
    await actor.store('2,5', '+FLAGS', '\\Flagged', 'Later');
    await actor.copy('6', 'Archive');
    await actor.move('7', 'Archive');
    await actor.expunge('8:9');
    await actor.delete('Old');
    await dovecot.doveadm('mailbox', 'update', '-u', user, '--uid-validity', '4242424242', 'Reset');
  },
});
