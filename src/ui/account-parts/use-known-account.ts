import { useQuery } from 'urql';
import { EmailAccountsDocument } from '../../generated/gql/graphql.ts';

/** The account that an address is connected as already, as far as the page knows them: the first hundred. */
export function useKnownAccount(emailAddress: string): { id: string; emailAddress: string } | null {
  const [{ data }] = useQuery({ query: EmailAccountsDocument, variables: { first: 100, after: null } });
  const address = emailAddress.trim().toLowerCase();
  return (
    data?.emailAccounts.edges.map(({ node }) => node).find((known) => known.emailAddress.toLowerCase() === address) ??
    null
  );
}
