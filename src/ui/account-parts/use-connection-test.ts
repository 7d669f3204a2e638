import { useRef, useState } from 'react';
import { useMutation } from 'urql';
import { type EmailConnectionInput, TestEmailConnectionDocument } from '../../generated/gql/graphql.ts';
import type { ConnectionTest } from './connection-result.tsx';

/**
 * Tests a connection once per input, however often it is called. Leaving a field and sending the form must not cause
 * two logins, because some servers count them.
 */
export function useConnectionTest() {
  const [{ fetching }, ask] = useMutation(TestEmailConnectionDocument);
  const [test, setTest] = useState<ConnectionTest | null>(null);
  const last = useRef<{ key: string; answer: Promise<ConnectionTest> }>(undefined);

  async function tryOnce(input: EmailConnectionInput): Promise<ConnectionTest> {
    const key = JSON.stringify(input);
    if (last.current?.key !== key) last.current = { key, answer: send(input) };
    const { answer } = last.current;
    const result = await answer;
    if (last.current?.answer === answer) setTest(result);
    return result;
  }

  async function send(input: EmailConnectionInput): Promise<ConnectionTest> {
    const { data, error } = await ask({ input });
    if (data) return data.testEmailConnection;
    // Without an answer, the next call tries again.
    last.current = undefined;
    const message =
      error?.graphQLErrors[0]?.message ??
      'Mailtide cannot be reached, and nothing has been stored. Try again once the connection is back.';
    return { ok: false, code: null, message, hint: null, capabilities: [], mailboxes: [] };
  }

  return { test, isTesting: fetching, tryOnce, forget: () => setTest(null) };
}
