import { ERRORS, type ErrorCode } from '../../errors.ts';
import { builder } from '../builder.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
  /** Where more is known than the code says. */
  readonly hint?: string | null;
}

export const SyncError = builder.objectRef<Failure>('SyncError').implement({
  description: 'Why a run failed or waits: a stable code, and a sentence that says what to do.',
  fields: (t) => ({
    code: t.exposeString('code'),
    message: t.exposeString('message'),
    hint: t.string({
      description: 'What happens next, or what to do.',
      resolve: (error) => error.hint ?? hintOf(error),
    }),
  }),
});

const HINTS = {
  retry: 'This often goes away by itself: it is tried again a few times, and by the schedule after that.',
  'needs-auth': 'Give the account new credentials with updateEmailAccount: until then no login is tried.',
  fail: 'This does not go away by itself: mend what the message names, then start a sync.',
  none: 'Start a sync when it suits you.',
} as const;

/** A code that this version does not know was written by another one. */
const hintOf = ({ code }: Failure): string => HINTS[code in ERRORS ? ERRORS[code as ErrorCode].run : 'fail'];
