/** The measured steps of a run. Those of a mailbox or a batch occur many times in a run. */
export type StepName = 'connect' | 'discover' | 'enumerate' | 'fetch' | 'parse' | 'store' | 'finish' | 'prove';

/** Attributes of a step: only numbers and ids, no personal data from mail or mailbox names. */
export interface StepFacts {
  readonly mailboxId?: string;
  readonly messages?: number;
}

/**
 * Carries out a step and reports its duration to metrics and traces. Resolves and rejects as `work` does. Steps nest.
 */
export type InStep = <T>(name: StepName, facts: StepFacts, work: () => Promise<T>) => Promise<T>;
