import { Progress } from '@mantine/core';
import { storedOf } from '../parts/format.ts';
import type { Mailbox } from './use-mailboxes.ts';

/** How much of a mailbox is stored. */
export function MailboxBar({ mailbox: { path, storedCount, messageCount } }: { mailbox: Mailbox }) {
  const share = messageCount === 0 ? 100 : Math.floor((100 * storedCount) / messageCount);
  return (
    <Progress.Root size={3} transitionDuration={120}>
      <Progress.Section
        color="cyan.7"
        value={share}
        withAria={false}
        role="progressbar"
        aria-label={`Messages of ${path}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share}
        aria-valuetext={storedOf(storedCount, messageCount)}
      />
    </Progress.Root>
  );
}
