import { useQuery } from 'urql';
import { EmailAccountsDocument } from '../../generated/gql/graphql.ts';

/** Returns the account that already has an address, or null. Only the first 100 accounts are searched. */
export function useKnownAccount(emailAddress: string): { id: string; emailAddress: string } | null {
  const [{ data }] = useQuery({ query: EmailAccountsDocument, variables: { first: 100, after: null } });
  const address = emailAddress.trim().toLowerCase();
  return (
    data?.emailAccounts.edges.map(({ node }) => node).find((known) => known.emailAddress.toLowerCase() === address) ??
    null
  );
}
