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

/** Signs out by a form, like signing in: the service answers by deleting the cookie and redirecting to the start. */
function signOut(): void {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: '/sign-out' });
  document.body.append(form);
  form.submit();
  // Hides the views until the answer arrives, because their queries would fail.
  sessionEnded();
}
