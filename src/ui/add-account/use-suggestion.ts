import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from 'urql';
import { SuggestImapServerDocument, type SuggestImapServerQuery } from '../../generated/gql/graphql.ts';

export type Suggestion = NonNullable<SuggestImapServerQuery['suggestImapServer']>;

const TYPED_FOR_MS = 350;
const LOOKS_WHOLE = /^[^@\s]+@[^@\s]+\.[^@\s.]{2,}$/;

/** Returns the likely server of an address, requested once the address looks complete. */
export function useSuggestion(emailAddress: string) {
  const [address] = useDebouncedValue(emailAddress.trim(), TYPED_FOR_MS);
  const isAsked = LOOKS_WHOLE.test(address);
  const [{ data, fetching, error, operation }] = useQuery({
    query: SuggestImapServerDocument,
    variables: { emailAddress: address },
    pause: !isAsked,
    requestPolicy: 'cache-first',
  });
  const isCurrent = isAsked && address === emailAddress.trim();
  // Until the answer arrives, urql returns the previous one, for another address.
  const isAnswered = isCurrent && !fetching && !error && operation?.variables.emailAddress === address;
  const suggestion = (isAnswered && data?.suggestImapServer) || null;
  return {
    suggestion,
    isLooking: isCurrent && fetching,
    /** The service answered that it knows no server. */
    isUnknown: isAnswered && suggestion === null,
  };
}
