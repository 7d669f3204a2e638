import { useSyncExternalStore } from 'react';
import { whenSignedOut } from './connection.ts';

/** Whether the service still knows who we are. Found out by the first answer that says it does not. */
let signedOut = false;
const listeners = new Set<() => void>();

export function sessionEnded(): void {
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
