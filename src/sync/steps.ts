/** The steps of a run that take time worth knowing. Those of a mailbox and of a batch happen many times in a run. */
export type StepName = 'connect' | 'discover' | 'enumerate' | 'fetch' | 'parse' | 'store' | 'finish' | 'prove';

/** What may be told of a step: numbers and ids, nothing that mail or mailboxes say of people. */
export interface StepFacts {
  readonly mailboxId?: string;
  readonly messages?: number;
}

/**
 * Carries out a step, and tells whoever measures or traces how long it took. Answers and rejects as `work` does.
 * Steps within it are its parts.
 */
export type InStep = <T>(name: StepName, facts: StepFacts, work: () => Promise<T>) => Promise<T>;
