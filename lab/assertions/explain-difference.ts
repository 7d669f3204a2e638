import type { Service } from '../service/service.ts';

export type Fact = { at: string; kind: string; mailbox: string; uid: string; detail: string | null };
export type History = { messageId: string | null; facts: Fact[] };

/** Queries the history of the messages that match `variables`: $mailbox and $uid, or $header. */
export async function explain(
  service: Service,
  variables: { account: string; mailbox?: string; uid?: string; header?: string },
): Promise<History[]> {
  const { explainMessage } = await service.data<{ explainMessage: History[] }>(
    `query ($account: ID!, $mailbox: ID, $uid: BigInt, $header: String) {
      explainMessage(accountId: $account, mailboxId: $mailbox, uid: $uid, messageIdHeader: $header) {
        messageId facts { at kind mailbox uid detail }
      }
    }`,
    variables,
  );
  return explainMessage;
}

/** Returns the id of a mailbox in the API. */
export async function mailboxId(service: Service, account: string, path: string): Promise<string> {
  type Answer = { emailAccount: { mailboxes: { edges: { node: { id: string; path: string } }[] } } };
  const { emailAccount } = await service.data<Answer>(
    'query ($id: ID!) { emailAccount(id: $id) { mailboxes { edges { node { id path } } } } }',
    { id: account },
  );
  return emailAccount.mailboxes.edges.find(({ node }) => node.path === path)!.node.id;
}

/** Returns the history of the message that is, or was, at a UID. */
export async function explainPlace(service: Service, account: string, path: string, uid: number): Promise<Fact[]> {
  const [history] = await explain(service, {
    account,
    mailbox: await mailboxId(service, account, path),
    uid: String(uid),
  });
  return history!.facts;
}
