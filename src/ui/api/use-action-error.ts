import { useCallback, useState } from 'react';
import type { CombinedError } from 'urql';
import { useReconnected } from './connection.ts';

/**
 * What went wrong with the last thing that somebody did, until the next thing is done. That the service could not be
 * reached is over when it is back: what it shows then is how things are.
 */
export function useActionError(): [CombinedError | undefined, (error: CombinedError | undefined) => void] {
  const [error, setError] = useState<CombinedError>();
  useReconnected(useCallback(() => setError((known) => (known?.networkError ? undefined : known)), []));
  return [error, setError];
}
