import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from 'urql';
import { SuggestImapServerDocument, type SuggestImapServerQuery } from '../../generated/gql/graphql.ts';

export type Suggestion = NonNullable<SuggestImapServerQuery['suggestImapServer']>;

const TYPED_FOR_MS = 350;
const LOOKS_WHOLE = /^[^@\s]+@[^@\s]+\.[^@\s.]{2,}$/;

/** Where the mailbox of an address may be, asked when the address looks whole. */
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
  // Until there is an answer, urql keeps the one before, which is of another address.
  const isAnswered = isCurrent && !fetching && !error && operation?.variables.emailAddress === address;
  const suggestion = (isAnswered && data?.suggestImapServer) || null;
  return {
    suggestion,
    isLooking: isCurrent && fetching,
    /** It was asked, and nothing is known. */
    isUnknown: isAnswered && suggestion === null,
  };
}
