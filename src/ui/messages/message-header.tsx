import { Badge, Text } from '@mantine/core';
import { useState } from 'react';
import { bytes, exactTime } from '../parts/format.ts';
import { shortName, wholeDate, wholeName } from './format.ts';
import type { WholeMessage } from './message-pane.tsx';
import classes from './messages.module.css';

/** Who wrote what to whom, when, and where it is; the rest on demand. */
export function MessageHeader({ message }: { message: WholeMessage }) {
  const { from, to, cc, receivedAt, sentAt, locations } = message;
  const at = sentAt ?? receivedAt;
  return (
    <header>
      <div className={classes['byline']}>
        <div className={classes['people']}>
          <Text size="sm" fw={600} component="span">
            {shortName(from[0] ?? {})}
          </Text>{' '}
          <Text size="sm" component="span" className={classes['quiet']}>
            {from[0]?.name && from[0].address}
          </Text>
          <Text size="xs" lineClamp={2} className={classes['quiet']}>
            {to.length + cc.length > 0 ? `to ${names([...to, ...cc])}` : 'to nobody named'}
          </Text>
        </div>
        <time className={classes['at']} dateTime={at} title={wholeDate(at)}>
          {exactTime(at)}
        </time>
      </div>
      <div className={classes['places']}>
        {locations.map(({ mailbox, uid, flags }) => (
          <Badge key={`${mailbox.id} ${uid}`} size="sm" variant="light" color="gray" tt="none" fw={500}>
            {[mailbox.path, ...flags.map((flag) => flag.replace(/^\\/, ''))].join(' · ')}
          </Badge>
        ))}
        {locations.length === 0 && (
          <Badge size="sm" variant="light" color="orange" tt="none" fw={500}>
            Deleted on the server
          </Badge>
        )}
      </div>
      <AllFields message={message} />
    </header>
  );
}

const FEW = 4;

function names(people: WholeMessage['to']): string {
  const shown = people.slice(0, FEW).map(shortName).join(', ');
  return people.length > FEW ? `${shown} and ${people.length - FEW} more` : shown;
}

function AllFields({ message }: { message: WholeMessage }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={classes['fields']} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>All fields</summary>
      {isOpen && (
        <dl>
          {fieldsOf(message).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </details>
  );
}

function fieldsOf(message: WholeMessage): [string, string][] {
  const people = (list: WholeMessage['to']): string => list.map(wholeName).join(', ');
  const fields: [string, string | null | undefined][] = [
    ['From', people(message.from)],
    ['To', people(message.to)],
    ['Cc', people(message.cc)],
    ['Bcc', people(message.bcc)],
    ['Reply to', people(message.replyTo)],
    ['Sent', message.sentAt && wholeDate(message.sentAt)],
    ['Received', wholeDate(message.receivedAt)],
    ['Message-ID', message.messageIdHeader],
    ['Places', message.locations.map(({ mailbox, uid }) => `${mailbox.path}, UID ${uid}`).join('; ')],
    ['Size', bytes(message.size)],
    ['SHA-256', message.sourceSha256],
  ];
  return fields.filter((field): field is [string, string] => Boolean(field[1]));
}
