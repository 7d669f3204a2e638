import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { MailboxesDocument, type MailboxesQuery } from '../../generated/gql/graphql.ts';

type MailboxesOf = NonNullable<MailboxesQuery['emailAccount']>['mailboxes'];
export type MailboxChoice = MailboxesOf['edges'][number]['node'];

/** The mailboxes of an account, INBOX first; `null` for what is not there or not ours. */
export function useMailboxes(accountId: string): readonly MailboxChoice[] | null {
  const client = useClient();
  const [mailboxes, setMailboxes] = useState<readonly MailboxChoice[] | null>([]);
  useEffect(() => {
    let isWanted = true;
    async function load(): Promise<void> {
      const all: MailboxChoice[] = [];
      let after: string | null | undefined = null;
      do {
        const { data, error } = await client.query(MailboxesDocument, { accountId, after }).toPromise();
        // The list says what is wrong; without a choice of mailboxes it is still a list.
        if (error || !data) return;
        if (!data.emailAccount) return isWanted ? setMailboxes(null) : undefined;
        const { edges, pageInfo }: MailboxesOf = data.emailAccount.mailboxes;
        all.push(...edges.map(({ node }) => node));
        after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
      } while (after);
      if (isWanted) setMailboxes(all.toSorted((a, b) => Number(b.path === 'INBOX') - Number(a.path === 'INBOX')));
    }
    void load();
    return () => {
      isWanted = false;
    };
  }, [client, accountId]);
  return mailboxes;
}
