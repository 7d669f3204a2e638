import { ActionIcon, Button, Group, Menu, Modal, Stack, Text } from '@mantine/core';
import { useRef, useState } from 'react';
import { Link } from 'wouter';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { whyNotDone } from '../api/client.ts';
import { count } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { KeptButton } from '../parts/kept-button.tsx';
import { KeptPlace } from '../parts/kept-place.tsx';
import { toAccount } from '../paths.ts';
import type { AccountActions } from './use-account-actions.ts';

interface Props {
  readonly account: AccountSummaryFragment;
  readonly actions: AccountActions;
  readonly onDeleted?: () => void;
}

/** The most likely action as a button, all others in a menu. */
export function AccountButtons({ account, actions, onDeleted }: Props) {
  const [isAsking, setAsking] = useState(false);
  const menuRef = useRef<HTMLButtonElement>(null);
  return (
    <Group gap={4} wrap="nowrap">
      <KeptPlace>
        <MainButton account={account} actions={actions} />
      </KeptPlace>
      <Menu position="bottom-end" width={210}>
        <Menu.Target>
          <ActionIcon
            ref={menuRef}
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`More for ${account.emailAddress}`}
          >
            <Icon name="dots" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<Icon name="search" size={16} />}
            disabled={account.syncStatus.isSyncing || !account.isActive}
            onClick={() => void actions.start('FULL')}
          >
            Run a full comparison
          </Menu.Item>
          {account.isActive ? (
            <Menu.Item leftSection={<Icon name="pause" size={16} />} onClick={() => void actions.pause()}>
              Pause
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<Icon name="play" size={16} />} onClick={() => void actions.resume()}>
              Resume
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={<Icon name="gear" size={16} />}
            component={Link}
            href={toAccount(account.id, 'settings')}
          >
            Edit
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<Icon name="trash" size={16} />} onClick={() => setAsking(true)}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={`Delete ${account.emailAddress}?`}
        centered
        // The menu item that opened the dialog no longer exists when it closes.
        returnFocus={false}
        onExitTransitionEnd={() => menuRef.current?.focus({ preventScroll: true })}
      >
        <Stack>
          <Text size="sm">
            This deletes the stored copies of its {count(account.totals.messages, 'message')} and the account’s
            timeline. Nothing changes on the mail server.
          </Text>
          {actions.error && (
            <Text size="sm" c="red" role="alert">
              {whyNotDone(actions.error)}
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
              Keep it
            </Button>
            <Button
              color="red"
              loading={actions.isBusy}
              onClick={() => {
                void actions.remove().then((done) => {
                  if (!done) return;
                  setAsking(false);
                  onDeleted?.();
                });
              }}
            >
              Delete
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Group>
  );
}

function MainButton({ account, actions }: Props) {
  const { state, isSyncing } = account.syncStatus;
  const name = account.emailAddress;
  if (isSyncing) {
    return (
      <Button
        component={KeptButton}
        variant="default"
        size="xs"
        loading={actions.isBusy}
        onClick={() => void actions.cancel()}
        aria-label={`Cancel: ${name}`}
      >
        Cancel
      </Button>
    );
  }
  if (state === 'NEEDS_AUTH') {
    return (
      <Button
        component={Link}
        href={toAccount(account.id, 'settings')}
        size="xs"
        aria-label={`Enter password: ${name}`}
      >
        Enter password
      </Button>
    );
  }
  if (state === 'PAUSED') {
    return (
      <Button
        component={KeptButton}
        variant="default"
        size="xs"
        loading={actions.isBusy}
        onClick={() => void actions.resume()}
        aria-label={`Resume: ${name}`}
      >
        Resume
      </Button>
    );
  }
  return (
    <Button
      component={KeptButton}
      variant="light"
      size="xs"
      loading={actions.isBusy}
      onClick={() => void actions.start()}
      aria-label={`Sync now: ${name}`}
    >
      Sync now
    </Button>
  );
}
