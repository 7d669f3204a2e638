import { ActionIcon, Menu } from '@mantine/core';
import { useQuery } from 'urql';
import { ViewerDocument } from '../../generated/gql/graphql.ts';
import { sessionEnded } from '../api/session.ts';
import { Icon } from '../parts/icons.tsx';

export function UserMenu() {
  const [{ data }] = useQuery({ query: ViewerDocument });
  const tenant = data?.viewer.tenant.name;
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Your session">
          <Icon name="user" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {tenant && <Menu.Label>Signed in for {tenant}</Menu.Label>}
        <Menu.Item onClick={signOut}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** By a form, as signing in: the service answers with the cookie's end and the way to the first page. */
function signOut(): void {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: '/sign-out' });
  document.body.append(form);
  form.submit();
  // Until the answer is there: views that are still on show would ask, and be refused.
  sessionEnded();
}
