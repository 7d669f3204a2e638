import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { AccountChangesDocument, type ProgressFragment, SyncActivityDocument } from '../../generated/gql/graphql.ts';
import { client } from './client.ts';

/**
 * The live progress of all accounts: one subscription for the page, and the newest frame of each account. Frames arrive
 * as often as batches commit, and are shown at most once per animation frame.
 *
 * A frame has the progress of a run. Only the service knows the state of the *account* (`syncStatus.state`, totals). So
 * when the status or phase of a run changes, or any client changes the account, listeners query it again.
 */
const frames = new Map<string, ProgressFragment>();
const frameListeners = new Set<() => void>();
const statusListeners = new Set<(accountId: string) => void>();
const accountListeners = new Set<(accountId: string) => void>();

/** The speed of a run at a moment, in messages per second. */
export interface Sample {
  readonly at: number;
  readonly messagesPerSecond: number;
}

/** Ten minutes of samples: enough for a trend, with bounded memory. */
const MAX_SAMPLES = 600;
const SAMPLE_EVERY_MS = 1000;

interface Samples {
  readonly runId: string;
  readonly points: readonly Sample[];
}
const REMEMBERED = 'mailtide-speeds';

/** Returns the samples that this tab collected before it was reloaded. */
function rememberedSamples(): Map<string, Samples> {
  addEventListener('pagehide', () => sessionStorage.setItem(REMEMBERED, JSON.stringify([...samples])));
  const written = sessionStorage.getItem(REMEMBERED);
  return new Map(written ? (JSON.parse(written) as [string, Samples][]) : []);
}

const samples = rememberedSamples();

let pending: ProgressFragment[] = [];

/** Subscribes for the lifetime of the page. Called once, before the first view, so that the socket opens early. */
export function followActivity(): void {
  client.subscription(SyncActivityDocument, {}).subscribe(({ data }) => {
    if (!data) return;
    if (pending.length === 0) requestAnimationFrame(take);
    pending.push(data.syncActivity);
  });
  client.subscription(AccountChangesDocument, {}).subscribe(({ data }) => {
    if (!data) return;
    const { accountId } = data.accountChanges;
    for (const listener of [...accountListeners, ...statusListeners]) listener(accountId);
  });
}

function take(): void {
  const news = pending;
  pending = [];
  const changed = new Set<string>();
  for (const frame of news) {
    const before = frames.get(frame.accountId);
    if (before && BigInt(frame.sequence) < BigInt(before.sequence)) continue;
    if (before?.runId !== frame.runId || before.status !== frame.status || before.phase !== frame.phase) {
      changed.add(frame.accountId);
    }
    frames.set(frame.accountId, frame);
    sample(frame);
  }
  for (const listener of frameListeners) listener();
  for (const accountId of changed) for (const listener of statusListeners) listener(accountId);
}

function sample({ accountId, runId, status, at, messagesPerSecond }: ProgressFragment): void {
  if (status !== 'RUNNING' || messagesPerSecond === null) return;
  const known = samples.get(accountId);
  const points = known?.runId === runId ? known.points : [];
  const time = Date.parse(at);
  if (time - (points.at(-1)?.at ?? 0) < SAMPLE_EVERY_MS) return;
  samples.set(accountId, { runId, points: [...points.slice(1 - MAX_SAMPLES), { at: time, messagesPerSecond }] });
}

function subscribe(listener: () => void): () => void {
  frameListeners.add(listener);
  return () => frameListeners.delete(listener);
}

/** Returns the newest frame of an account since the page was opened, or undefined. */
export const useFrame = (accountId: string): ProgressFragment | undefined =>
  useSyncExternalStore(
    subscribe,
    useCallback(() => frames.get(accountId), [accountId]),
  );

const NO_SAMPLES: readonly Sample[] = [];

/** Returns the speeds of an account's last run that this tab has received. */
export const useSamples = (accountId: string): readonly Sample[] =>
  useSyncExternalStore(
    subscribe,
    useCallback(() => samples.get(accountId)?.points ?? NO_SAMPLES, [accountId]),
  );

/**
 * Calls back when a run of any account begins, ends, waits or enters its next phase, and when an account is added,
 * changed or deleted. Pass a stable function.
 */
export const useStatusChanges = (onChange: (accountId: string) => void): void => useListener(statusListeners, onChange);

/** Calls back when an account is added, changed or deleted. Pass a stable function. */
export const useAccountChanges = (onChange: (accountId: string) => void): void =>
  useListener(accountListeners, onChange);

function useListener<Listener>(listeners: Set<Listener>, listener: Listener): void {
  useEffect(() => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, [listeners, listener]);
}
