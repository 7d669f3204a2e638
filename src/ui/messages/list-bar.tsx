import { Chip, CloseButton, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type KeyboardEvent, type RefObject, useEffect, useState } from 'react';
import type { Mailbox } from '../account-detail/use-mailboxes.ts';
import { isolated } from '../parts/bidi.ts';
import { storedOf } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import type { MessageFilter } from './filter.ts';

/** Delay after the last key before the search starts. */
const TYPING_MS = 150;

interface Props {
  readonly filter: MessageFilter;
  readonly change: (changes: Partial<MessageFilter>) => void;
  readonly mailboxes: readonly Mailbox[];
  readonly searchRef: RefObject<HTMLInputElement | null>;
  /** Moves the focus from the search to the list. */
  readonly onLeave: () => void;
}

/** The search and the filters of the list. */
export function ListBar({ filter, change, mailboxes, searchRef, onLeave }: Props) {
  return (
    <Stack gap={8} p="xs" role="search" aria-label="Messages">
      <SearchField search={filter.search} change={change} inputRef={searchRef} onLeave={onLeave} />
      <Group gap={8} wrap="nowrap">
        <NativeSelect
          size="xs"
          flex={1}
          miw={0}
          aria-label="Mailbox"
          value={filter.mailboxId ?? ''}
          onChange={({ currentTarget }) => change({ mailboxId: currentTarget.value || null })}
          data={[
            { value: '', label: 'All mailboxes' },
            ...inboxFirst(mailboxes).map(({ id, path, messageCount, storedCount }) => ({
              value: id,
              label: `${isolated(path)} (${storedOf(storedCount, messageCount)})`,
            })),
          ]}
        />
        <Chip size="xs" checked={filter.unread} onChange={(unread) => change({ unread })}>
          Unread
        </Chip>
        <Chip size="xs" checked={filter.flagged} onChange={(flagged) => change({ flagged })}>
          Flagged
        </Chip>
      </Group>
    </Stack>
  );
}

const inboxFirst = (mailboxes: readonly Mailbox[]): Mailbox[] =>
  mailboxes.toSorted((a, b) => Number(b.path === 'INBOX') - Number(a.path === 'INBOX'));

interface SearchProps {
  readonly search: string;
  readonly change: (changes: { search: string }) => void;
  readonly inputRef: RefObject<HTMLInputElement | null>;
  readonly onLeave: () => void;
}

function SearchField({ search, change, inputRef, onLeave }: SearchProps) {
  const [typed, setTyped] = useState(search);
  const changeSoon = useDebouncedCallback((value: string) => change({ search: value }), TYPING_MS);
  // The URL may change without typing, by the back button or a link.
  useEffect(() => setTyped((shown) => (shown.trim() === search.trim() ? shown : search)), [search]);

  function type(value: string): void {
    setTyped(value);
    changeSoon(value);
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && typed !== '') type('');
    else if (event.key === 'Escape' || event.key === 'ArrowDown' || event.key === 'Enter') onLeave();
    else return;
    event.preventDefault();
  }

  return (
    <TextInput
      ref={inputRef}
      type="search"
      size="sm"
      aria-label="Search messages"
      aria-keyshortcuts="/"
      placeholder="Search, e.g. invoice -draft"
      autoComplete="off"
      spellCheck={false}
      maxLength={1000}
      leftSection={<Icon name="search" size={16} />}
      rightSection={typed && <CloseButton size="sm" aria-label="Clear the search" onClick={() => type('')} />}
      value={typed}
      onChange={({ currentTarget }) => type(currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}
