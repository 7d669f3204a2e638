/** A program that copies the mailbox; all are measured in the same way. */
export interface Contender {
  readonly name: string;
  run(): Promise<Result>;
}

export interface Result {
  /** Seconds from the start of the sync to the last stored message. */
  readonly seconds: number;
  /** Seconds of a second sync, with nothing new. */
  readonly unchangedSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
  readonly messages: number;
}
