import { Text, Tooltip } from '@mantine/core';
import type { EventType } from '../../generated/gql/graphql.ts';
import { humanize, number } from '../parts/format.ts';
import { Ago } from '../parts/time.tsx';
import classes from './account.module.css';
import { describeEvent } from './event-text.ts';

export interface ShownEvent {
  readonly seq: string;
  readonly type: EventType;
  readonly occurredAt: string;
  readonly payload: unknown;
  readonly hash: string;
}

export function EventList({ events }: { events: readonly ShownEvent[] }) {
  return (
    <ol className={classes['plain']} reversed>
      {events.map(({ seq, type, occurredAt, payload, hash }) => (
        <li key={seq} className={classes['event']}>
          <Tooltip label={`Hash ${hash.slice(0, 16)}…`} openDelay={400}>
            <Text span size="xs" c="dimmed">
              {number(seq)}
            </Text>
          </Tooltip>
          <span className="truncate">
            <Text span size="sm" fw={550}>
              {humanize(type)}
            </Text>{' '}
            <Text span size="sm" c="dimmed">
              {describeEvent(type, payload)}
            </Text>
          </span>
          <Text span size="xs" c="dimmed">
            <Ago at={occurredAt} />
          </Text>
        </li>
      ))}
    </ol>
  );
}
