import { createClient } from 'graphql-ws';
import { useEffect, useRef, useSyncExternalStore } from 'react';

/**
 * The WebSocket of the page, which carries all subscriptions. It opens with the first one and reconnects
 * automatically:
 *
 *   CONNECTING ──> CONNECTED ──> OFFLINE ──> CONNECTED ...   `connects` counts, so that views request what they missed
 *        └───────────> OFFLINE
 */
export type ConnectionState = { readonly state: 'CONNECTING' | 'CONNECTED' | 'OFFLINE'; readonly connects: number };

const PING_EVERY_MS = 5_000;
const PONG_WITHIN_MS = 3_000;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5_000;
const FORBIDDEN = 4403;

let current: ConnectionState = { state: 'CONNECTING', connects: 0 };
const listeners = new Set<() => void>();
let onSignedOut = (): void => undefined;

function change(next: ConnectionState): void {
  current = next;
  for (const listener of listeners) listener();
}

let pongMissed: ReturnType<typeof setTimeout> | undefined;

export const socketClient = createClient({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
  keepAlive: PING_EVERY_MS,
  retryAttempts: Number.POSITIVE_INFINITY,
  // Retries after every error. A user who is signed out sees the form meanwhile.
  shouldRetry: () => true,
  async retryWait(retries) {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** retries);
    const wait = longest * (0.5 + Math.random() / 2);
    // A machine that wakes up or gets its network back does not wait.
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, wait)),
      new Promise((resolve) => addEventListener('online', resolve, { once: true })),
    ]);
  },
  on: {
    connected: () => change({ state: 'CONNECTED', connects: current.connects + 1 }),
    closed: (event) => {
      clearTimeout(pongMissed);
      change({ ...current, state: 'OFFLINE' });
      if ((event as CloseEvent).code === FORBIDDEN) onSignedOut();
    },
    // A dead connection stays open for minutes, and a close handshake waits equally long for its answer.
    ping: (received) => {
      if (!received) pongMissed = setTimeout(() => socketClient.terminate(), PONG_WITHIN_MS);
    },
    pong: (received) => {
      if (received) clearTimeout(pongMissed);
    },
  },
});

/** Calls back when the service no longer accepts this session. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

export function useConnection(): ConnectionState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

/**
 * Calls `refetch` after every connect, including the first. Changes between a query's answer and the subscription, or
 * while the connection is down, are not announced.
 */
export function useReconnected(refetch: () => void): void {
  const { connects } = useConnection();
  const seen = useRef(connects);
  useEffect(() => {
    if (connects > seen.current) refetch();
    seen.current = connects;
  }, [connects, refetch]);
}
