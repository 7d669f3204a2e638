import { ERRORS, type ErrorCode } from '../../errors.ts';
import { builder } from '../builder.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
  /** Replaces the hint of the code if more is known. */
  readonly hint?: string | null;
}

export const SyncError = builder.objectRef<Failure>('SyncError').implement({
  description: 'Why a run failed or waits: a stable code, a sentence, and a hint.',
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
  retry: 'Usually temporary. Mailtide retries automatically.',
  'needs-auth': 'Enter new credentials for the account (updateEmailAccount) to resume.',
  fail: 'Fix the problem described in the message, then start a sync.',
  none: 'Start a sync at any time.',
} as const;

/** Hints for codes whose `run` reaction alone would promise too much or too little. */
const HINTS_BY_CODE: Partial<Record<string, string>> = {
  IMAP_UNREACHABLE: 'Check the host and the port. If the server is only down for a while, a later sync succeeds.',
  IMAP_NO_ROUTE: 'Check the host. If the network is only down for a while, a later sync succeeds.',
  IMAP_QUOTA_EXCEEDED: 'Nothing to do. Mailtide waits and retries.',
  MAILBOX_NOT_ACCESSIBLE:
    'Once the server opens the mailbox, enter the credentials of the account again (updateEmailAccount) to resume.',
  IMAP_THROTTLED: 'Nothing to do. Mailtide waits as long as the provider asks, then resumes.',
};

/** Returns the hint of a code. Other versions may have stored codes that this one does not know. */
const hintOf = ({ code }: Failure): string =>
  HINTS_BY_CODE[code] ?? HINTS[code in ERRORS ? ERRORS[code as ErrorCode].run : 'fail'];
