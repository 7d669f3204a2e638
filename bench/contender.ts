/** One way to bring the mailbox here, measured the same way as the others. */
export interface Contender {
  readonly name: string;
  run(): Promise<Result>;
}

export interface Result {
  /** From the order to sync to the last message stored. */
  readonly seconds: number;
  /** The same again with nothing new. */
  readonly unchangedSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
  readonly messages: number;
}
