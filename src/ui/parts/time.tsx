import { useSyncExternalStore } from 'react';
import { ago, ahead, exactTime } from './format.ts';

/** The page's clock, which updates "3 minutes ago". It stops while the page is hidden. */
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

/** A relative time, with the exact time on hover. */
export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at, useNow())}
    </time>
  );
}

/** The relative time of a future event, with the exact time on hover. */
export function Ahead({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ahead(at, useNow())}
    </time>
  );
}
