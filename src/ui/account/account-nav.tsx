import { Anchor, Group } from '@mantine/core';
import { Link } from 'wouter';
import { type AccountPart, toAccount } from '../paths.ts';
import classes from './account.module.css';

type Shown = AccountPart | 'overview' | 'messages';

const NAMES: Record<Shown, string> = {
  overview: 'Overview',
  messages: 'Messages',
  mailboxes: 'Mailboxes',
  history: 'History',
  events: 'Events',
  settings: 'Settings',
};

/** The ways between the views of an account. Links, so that each can be opened beside the others. */
export function AccountNav({ accountId, part }: { accountId: string; part: Shown }) {
  return (
    <nav aria-label="Account" className={classes['nav']}>
      <Group gap={0} wrap="nowrap">
        {(Object.keys(NAMES) as Shown[]).map((name) => (
          <Anchor
            key={name}
            component={Link}
            href={toAccount(accountId, name === 'overview' ? undefined : name)}
            className={classes['tab']!}
            underline="never"
            {...(name === part ? { 'aria-current': 'page' } : {})}
          >
            {NAMES[name]}
          </Anchor>
        ))}
      </Group>
    </nav>
  );
}
