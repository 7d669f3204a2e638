import { useState } from 'react';
import { type CombinedError, useMutation } from 'urql';
import {
  type AccountSummaryFragment,
  CancelEmailSyncDocument,
  DeleteEmailAccountDocument,
  StartEmailSyncDocument,
  type SyncMode,
  UpdateEmailAccountDocument,
} from '../../generated/gql/graphql.ts';
import { useActionError } from '../api/use-action-error.ts';

/** Accounts that were deleted in this tab. Its history still has their addresses. */
const deletedHere = new Set<string>();
export const wasDeletedHere = (id: string): boolean => deletedHere.has(id);

/**
 * Ignore a second press within this time, in ms. The button that starts a sync becomes the one that cancels it, and a
 * double click would do both.
 */
const DOUBLE_PRESS = 400;

/** Returns the actions on an account, and in `error` why the last one failed. */
export function useAccountActions({ id, syncStatus }: AccountSummaryFragment) {
  const [, start] = useMutation(StartEmailSyncDocument);
  const [, cancel] = useMutation(CancelEmailSyncDocument);
  const [, update] = useMutation(UpdateEmailAccountDocument);
  const [, remove] = useMutation(DeleteEmailAccountDocument);
  const [error, setError] = useActionError();
  const [isBusy, setBusy] = useState(false);

  async function act(work: Promise<{ error?: CombinedError | undefined }>, atLeastMs = 0): Promise<boolean> {
    setBusy(true);
    setError(undefined);
    const isLongEnough = new Promise((resolve) => setTimeout(resolve, atLeastMs));
    const answer = await work;
    setError(answer.error);
    await isLongEnough;
    setBusy(false);
    return !answer.error;
  }

  const runId = syncStatus.activeRun?.id;
  return {
    error,
    isBusy,
    start: (mode: SyncMode = 'INCREMENTAL') => act(start({ accountId: id, mode }), DOUBLE_PRESS),
    cancel: () => act(runId ? cancel({ runId }) : Promise.resolve({})),
    pause: () => act(update({ id, input: { isActive: false } })),
    resume: () => act(update({ id, input: { isActive: true } })),
    async remove() {
      const isDone = await act(remove({ id }, { additionalTypenames: ['EmailAccount'] }));
      if (isDone) deletedHere.add(id);
      return isDone;
    },
  };
}

export type AccountActions = ReturnType<typeof useAccountActions>;
