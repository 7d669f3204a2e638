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

/** Accounts that were deleted in this tab, whose addresses are still in its history. */
const deletedHere = new Set<string>();
export const wasDeletedHere = (id: string): boolean => deletedHere.has(id);

/** What can be done with an account. What goes wrong is in `error`. */
export function useAccountActions({ id, syncStatus }: AccountSummaryFragment) {
  const [, start] = useMutation(StartEmailSyncDocument);
  const [, cancel] = useMutation(CancelEmailSyncDocument);
  const [, update] = useMutation(UpdateEmailAccountDocument);
  const [, remove] = useMutation(DeleteEmailAccountDocument);
  const [error, setError] = useActionError();
  const [isBusy, setBusy] = useState(false);

  async function act(work: Promise<{ error?: CombinedError | undefined }>): Promise<boolean> {
    setBusy(true);
    setError(undefined);
    const answer = await work;
    setBusy(false);
    setError(answer.error);
    return !answer.error;
  }

  const runId = syncStatus.activeRun?.id;
  return {
    error,
    isBusy,
    start: (mode: SyncMode = 'INCREMENTAL') => act(start({ accountId: id, mode })),
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
