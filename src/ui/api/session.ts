import { useSyncExternalStore } from 'react';
import { firstWord, whenSignedOut } from './connection.ts';

/**
 * Whether the service still knows who we are. Found out by the first answer that says it does not, which the browser
 * notes as an error in its console: so who has not been signed in here before waits for what the socket is told.
 */
let signedOut = false;
const listeners = new Set<() => void>();
const REMEMBERED = 'mailtide-signed-in';

void firstWord.then((word) => {
  if (word === 'CONNECTED') localStorage.setItem(REMEMBERED, 'yes');
});

export const mayAsk = async (): Promise<boolean> =>
  localStorage.getItem(REMEMBERED) !== null || (await firstWord) !== 'REFUSED';

/** What was remembered is not so any more. */
export const forgetSession = (): void => localStorage.removeItem(REMEMBERED);

export function sessionEnded(): void {
  forgetSession();
  signedOut = true;
  for (const listener of listeners) listener();
}

whenSignedOut(sessionEnded);

export function useSignedOut(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => signedOut,
  );
}
