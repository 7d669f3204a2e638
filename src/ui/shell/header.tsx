import { ActionIcon, Group, Text, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { Link } from 'wouter';
import { Icon } from '../parts/icons.tsx';
import { AccountSwitcher } from './account-switcher.tsx';
import { ConnectionBadge } from './connection-badge.tsx';
import classes from './shell.module.css';
import { ShowQuery } from './show-query.tsx';
import { UserMenu } from './user-menu.tsx';

export function Header() {
  return (
    <Group h="100%" px={{ base: 'xs', sm: 'md' }} gap="xs" wrap="nowrap">
      <Link href="/" className={classes['name']!} aria-label="Mailtide: your accounts">
        <img src="/tide.svg" alt="" width={26} height={26} />
        <Text span fw="inherit" visibleFrom="sm">
          Mailtide
        </Text>
      </Link>
      <AccountSwitcher />
      <Group gap={4} ml="auto" wrap="nowrap" flex="none">
        <ConnectionBadge />
        <ShowQuery />
        <SchemeToggle />
        <UserMenu />
      </Group>
    </Group>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme() === 'dark' ? 'light' : 'dark';
  const label = `Switch to ${other} colours`;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={() => setColorScheme(other)}>
        <Icon name={other === 'dark' ? 'moon' : 'sun'} />
      </ActionIcon>
    </Tooltip>
  );
}
