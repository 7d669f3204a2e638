import { Badge, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { isolated, unturned } from '../parts/bidi.ts';
import { useClamped } from '../parts/clamped.tsx';
import { bytes, exactTime } from '../parts/format.ts';
import { shortName, wholeDate } from './format.ts';
import classes from './messages.module.css';
import { People } from './people.tsx';
import type { WholeMessage } from './whole-message.ts';

/** Sender, recipients, times and mailboxes; all other fields on request. */
export function MessageHeader({ message }: { message: WholeMessage }) {
  const { to, cc, locations } = message;
  return (
    <header>
      <div className={classes['byline']}>
        <div className={classes['people']}>
          <From from={message.from} />
          <Text size="xs" lineClamp={2} className={classes['quiet']}>
            {to.length + cc.length > 0 ? (
              <>
                to <People of={[...to, ...cc]} atMost={FEW} />
              </>
            ) : (
              'no recipients named'
            )}
          </Text>
        </div>
        <Times message={message} />
      </div>
      <div className={classes['places']}>
        {locations.map(({ mailbox, uid, flags }) => (
          <Badge key={`${mailbox.id} ${uid}`} size="sm" variant="light" color="gray" tt="none" fw={500} maw="100%">
            <bdi>{mailbox.path}</bdi>
            {flags.map((flag) => ` · ${flag.replace(/^\\/, '')}`)}
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

/** Recipients shown in the byline. "All fields" lists all. */
const FEW = 4;

function From({ from }: { from: WholeMessage['from'] }) {
  const { showAll, ...clamped } = useClamped<HTMLParagraphElement>(2);
  const [writer, ...others] = from;
  return (
    <>
      <Text size="sm" {...clamped}>
        <Text span inherit fw={600}>
          <bdi>{shortName(writer ?? {})}</bdi>
        </Text>{' '}
        {writer?.name && writer.address && (
          <Text span inherit className={classes['quiet']}>
            <bdi>{unturned(writer.address)}</bdi>
          </Text>
        )}
        {others.length > 0 && (
          <>
            , <People of={others} />
          </>
        )}
      </Text>
      {showAll}
    </>
  );
}

/** The list is ordered by the time received, so both times are shown if they differ. */
function Times({ message: { sentAt, receivedAt } }: { message: WholeMessage }) {
  const wasUnderWay = sentAt !== null && Math.abs(Date.parse(receivedAt) - Date.parse(sentAt)) >= MINUTE_MS;
  return (
    <div className={classes['at']}>
      {sentAt !== null && <Time what="Sent" at={sentAt} />}
      {(sentAt === null || wasUnderWay) && <Time what="Received" at={receivedAt} />}
    </div>
  );
}

const MINUTE_MS = 60_000;

function Time({ what, at }: { what: string; at: string }) {
  return (
    <div>
      {what}{' '}
      <time dateTime={at} title={wholeDate(at)}>
        {exactTime(at)}
      </time>
    </div>
  );
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

function fieldsOf(message: WholeMessage): [string, ReactNode][] {
  const people = (list: WholeMessage['to']): ReactNode => list.length > 0 && <People of={list} whole />;
  const fields: [string, ReactNode][] = [
    ['From', people(message.from)],
    ['To', people(message.to)],
    ['Cc', people(message.cc)],
    ['Bcc', people(message.bcc)],
    ['Reply to', people(message.replyTo)],
    ['Sent', message.sentAt && wholeDate(message.sentAt)],
    ['Received', wholeDate(message.receivedAt)],
    ['Message-ID', message.messageIdHeader],
    ['Mailboxes', message.locations.map(({ mailbox, uid }) => `${isolated(mailbox.path)}, UID ${uid}`).join('; ')],
    ['Size', bytes(message.size)],
    ['SHA-256', message.sourceSha256],
  ];
  return fields.filter(([, value]) => Boolean(value));
}
