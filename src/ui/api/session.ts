import { useSyncExternalStore } from 'react';
import { whenSignedOut } from './connection.ts';

/**
 * True if the page was loaded without a session. The service states it in the page, so that a signed-out user sees the
 * form at once and no query is sent. Later, the first UNAUTHENTICATED answer ends the session.
 */
const isStranger = document.querySelector<HTMLMetaElement>('meta[name="signed-in"]')?.content === 'no';
let signedOut = isStranger;
const listeners = new Set<() => void>();

export function sessionEnded(): void {
  signedOut = true;
  for (const listener of listeners) listener();
}

whenSignedOut(sessionEnded);

/** True if a session ended while the page was open, so that the form mentions it. */
export const hasEnded = (): boolean => signedOut && !isStranger;

export const isSignedOut = (): boolean => signedOut;

export function useSignedOut(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, isSignedOut);
}
