import { Anchor, Text } from '@mantine/core';
import { ExplainMessageDocument, type MessageFactKind } from '../../generated/gql/graphql.ts';
import { useSteadyQuery } from '../api/use-steady-query.ts';
import { exactTime } from '../parts/format.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { graphiqlLink } from '../shell/show-query.tsx';
import { wholeDate } from './format.ts';
import classes from './messages.module.css';
import type { WholeMessage } from './whole-message.ts';

const SAYS: Record<MessageFactKind, string> = {
  SEEN: 'Seen on the server',
  FETCHED: 'Fetched and stored',
  DEDUPLICATED: 'Already stored: found in one more mailbox',
  RECOGNISED: 'Recognised as moved here',
  QUARANTINED: 'Could not be fetched or stored: quarantined',
  FLAGS_CHANGED: 'Flags changed',
  MOVED: 'Moved away',
  RENUMBERED: 'The server renumbered the mailbox',
  EXPUNGED_UNFETCHED: 'Deleted before it was fetched',
  DELETED: 'Deleted on the server',
};

/** What the syncs recorded about a message: when it was listed, fetched, moved, changed and deleted. */
export function MessageHistory({ message }: { message: WholeMessage }) {
  const [place] = message.locations;
  const variables = {
    accountId: message.account.id,
    ...(place ? { mailboxId: place.mailbox.id, uid: place.uid } : { messageIdHeader: message.messageIdHeader ?? null }),
  };
  const isKnown = Boolean(place ?? message.messageIdHeader);
  const { data, error, refetch } = useSteadyQuery({ query: ExplainMessageDocument, variables, pause: !isKnown });
  if (!isKnown)
    return (
      <p className={classes['without']}>
        This message is in no mailbox and has no Message-ID, so its history cannot be found.
      </p>
    );
  if (error) return <Failure error={error} retry={refetch} />;
  if (!data) return <Loading what="Loading the history" />;
  const histories = data.explainMessage.filter(({ messageId }) => messageId === message.id);
  const facts = (histories.length > 0 ? histories : data.explainMessage).flatMap((one) => one.facts);
  return (
    <section className={classes['history']} aria-label="History of the message">
      <ol>
        {facts.map(({ at, kind, mailbox, uid, detail }) => (
          <li key={`${at} ${kind} ${mailbox} ${uid}`}>
            <Text size="sm" component="span">
              {SAYS[kind]}
            </Text>
            <Text size="xs" className={classes['quiet']}>
              <time dateTime={at} title={wholeDate(at)}>
                {exactTime(at)}
              </time>{' '}
              · <bdi>{mailbox}</bdi>, UID {uid}
              {detail && (
                <>
                  {' '}
                  · <bdi>{detail}</bdi>
                </>
              )}
            </Text>
          </li>
        ))}
      </ol>
      <Anchor size="xs" href={graphiqlLink(ExplainMessageDocument, variables)} target="_blank" rel="noopener">
        Show the query
      </Anchor>
    </section>
  );
}
