import { Alert } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { useLocation, useSearchParams } from 'wouter';
import { ViewerDocument } from '../../generated/gql/graphql.ts';
import { ownPath } from '../paths.ts';

/**
 * A sign-in link that fails leads to `/?next=...`, with `failed` if its key is not valid, where the form is shown. If
 * the user is already signed in, the page opens the link's target instead, with this notice.
 */
export function SignInNotice() {
  const [path, navigate] = useLocation();
  const [asked] = useSearchParams();
  const [{ data }] = useQuery({ query: ViewerDocument });
  const [hasFailed, setFailed] = useState(false);
  const isSignedIn = data !== undefined;
  const next = path === '/' ? asked.get('next') : null;
  const isRefused = asked.has('failed');
  useEffect(() => {
    if (!isSignedIn || next === null) return;
    setFailed(isRefused);
    navigate(ownPath(next), { replace: true });
  }, [isSignedIn, next, isRefused, navigate]);
  if (!hasFailed) return null;
  return (
    <Alert
      color="orange"
      variant="light"
      role="alert"
      mb="sm"
      withCloseButton
      closeButtonLabel="Close"
      onClose={() => setFailed(false)}
    >
      The key of this sign-in link is not valid. You are still signed in as before.
    </Alert>
  );
}
