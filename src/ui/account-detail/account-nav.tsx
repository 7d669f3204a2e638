import { Anchor, Group } from '@mantine/core';
import { useEffect, useRef } from 'react';
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

const pathOf = (accountId: string, part: Shown): string => toAccount(accountId, part === 'overview' ? undefined : part);

/** The tabs of an account's views. They are links, so that each can be opened in a new window. */
export function AccountNav({ accountId, part }: { accountId: string; part: Shown }) {
  const ref = useRef<HTMLElement>(null);
  // On a phone, only a few tabs fit.
  useEffect(() => {
    const current = ref.current!.querySelector(`a[href="${pathOf(accountId, part)}"]`);
    current?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [accountId, part]);
  return (
    <nav aria-label="Account" className={classes['nav']} ref={ref}>
      <Group gap={0} wrap="nowrap">
        {(Object.keys(NAMES) as Shown[]).map((name) => (
          <Anchor
            key={name}
            component={Link}
            href={pathOf(accountId, name)}
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
