import { Button, Menu, Text } from '@mantine/core';
import { useCallback } from 'react';
import { useQuery } from 'urql';
import { Link, useRoute } from 'wouter';
import { EmailAccountsDocument } from '../../generated/gql/graphql.ts';
import { useAccountChanges } from '../api/activity.ts';
import { Icon } from '../parts/icons.tsx';
import { toAccount } from '../paths.ts';

const ACCOUNT_IN_PATH = /^\/accounts\/(?<id>[^/]+)/;

/** In the view of an account: its address, and links to the other accounts. */
export function AccountSwitcher() {
  const [isShown, params] = useRoute(ACCOUNT_IN_PATH);
  const id = isShown && params['id'] !== 'new' ? params['id'] : null;
  const [{ data }, ask] = useQuery({ query: EmailAccountsDocument, variables: { first: 100 }, pause: !id, context });
  useAccountChanges(useCallback(() => void (id && ask({ ...context, requestPolicy: 'network-only' })), [id, ask]));
  const accounts = data?.emailAccounts.edges.map(({ node }) => node) ?? [];
  const here = accounts.find((account) => account.id === id);
  if (!id || !here) return null;
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          px="xs"
          miw={0}
          rightSection={<Icon name="chevron" size={14} />}
          aria-label={`Account ${here.emailAddress}, switch`}
        >
          <Text span size="sm" truncate>
            {here.emailAddress}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {accounts.map((account) => (
          <Menu.Item
            key={account.id}
            component={Link}
            href={toAccount(account.id)}
            aria-current={account.id === id ? 'page' : undefined}
          >
            {account.emailAddress}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component={Link} href="/">
          All accounts
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** An empty list contains no type, so the cache would not know that a mutation affects it. */
const context = { additionalTypenames: ['EmailAccount'] };
