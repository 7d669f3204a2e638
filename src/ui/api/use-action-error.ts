import { useCallback, useState } from 'react';
import type { CombinedError } from 'urql';
import { useReconnected } from './connection.ts';

/**
 * Holds the error of the user's last action until the next one. A network error is cleared when the connection is
 * back, because the page then shows the current state.
 */
export function useActionError(): [CombinedError | undefined, (error: CombinedError | undefined) => void] {
  const [error, setError] = useState<CombinedError>();
  useReconnected(useCallback(() => setError((known) => (known?.networkError ? undefined : known)), []));
  return [error, setError];
}
