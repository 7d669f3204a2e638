import { useSyncExternalStore } from 'react';
import { whenSignedOut } from './connection.ts';

/**
 * Whether the service knows who we are: it says so in the page, so that who is signed out sees the form at once and asks
 * nothing. Afterwards, the first answer that says it does not.
 */
const isStranger = document.querySelector<HTMLMetaElement>('meta[name="signed-in"]')?.content === 'no';
let signedOut = isStranger;
const listeners = new Set<() => void>();

export function sessionEnded(): void {
  signedOut = true;
  for (const listener of listeners) listener();
}

whenSignedOut(sessionEnded);

/** Somebody was here when it ended, and is to be told. */
export const hasEnded = (): boolean => signedOut && !isStranger;

export const isSignedOut = (): boolean => signedOut;

export function useSignedOut(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, isSignedOut);
}
