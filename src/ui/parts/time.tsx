import { useSyncExternalStore } from 'react';
import { ago, ahead, exactTime } from './format.ts';

/** One clock for the page, so that "3 minutes ago" goes on. It stands still while nobody looks. */
const TICK_MS = 10_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (document.visibilityState === 'hidden') return;
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(tick, TICK_MS);
  document.addEventListener('visibilitychange', tick);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener('visibilitychange', tick);
  };
}

export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** How long ago or ahead, and exactly when for who points at it. */
export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at, useNow())}
    </time>
  );
}

/** When something that is still to come happens, and exactly when on hover. */
export function Ahead({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ahead(at, useNow())}
    </time>
  );
}
