import { Alert } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { useLocation, useSearchParams } from 'wouter';
import { ViewerDocument } from '../../generated/gql/graphql.ts';
import { ownPath } from '../paths.ts';

/**
 * A sign-in link that signs nobody in leads to `/?next=...`, with `failed` when its key is not valid: to the form. Who is
 * signed in already sees none: they go on to where the link leads, and are told.
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
      The key of this sign-in link is not valid. You are still signed in as you were.
    </Alert>
  );
}
