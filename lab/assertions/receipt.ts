import type { Service } from '../service/service.ts';

export type MailboxReceipt = {
  mailbox: string;
  uidValidity: string | null;
  serverMessages: number | null;
  storedMessages: number;
  uidSetDigest: string | null;
  proof: string | null;
  flagsProven: boolean;
  complete: boolean;
  gaps: { uid: string | null; reason: string }[];
  gapCount: number;
  repairs: number;
};

export type Receipt = {
  complete: boolean;
  unreadAnswers: number;
  unreadSamples: string[];
  mailboxes: MailboxReceipt[];
};

/** Returns the receipt of a run; null unless it succeeded. */
export async function receiptOf(service: Service, runId: string): Promise<Receipt | null> {
  const { syncRun } = await service.data<{ syncRun: { receipt: Receipt | null } }>(
    `query ($id: ID!) { syncRun(id: $id) { receipt { complete unreadAnswers unreadSamples mailboxes {
      mailbox uidValidity serverMessages storedMessages uidSetDigest proof flagsProven complete
      gaps { uid reason } gapCount repairs
    } } } }`,
    { id: runId },
  );
  return syncRun.receipt;
}

/** When each mailbox was last proven current, by path. */
export async function provenCurrentAt(service: Service, accountId: string): Promise<Map<string, string | null>> {
  type Node = { path: string; provenCurrentAt: string | null };
  const { emailAccount } = await service.data<{ emailAccount: { mailboxes: { edges: { node: Node }[] } } }>(
    `query ($id: ID!) { emailAccount(id: $id) { mailboxes(first: 100) { edges { node { path provenCurrentAt } } } } }`,
    { id: accountId },
  );
  return new Map(emailAccount.mailboxes.edges.map(({ node }) => [node.path, node.provenCurrentAt]));
}
