/** How many connections a mail server is asked to bear at once, from all nodes of an installation. */
export interface HostLimits {
  readonly perAccount: number;
  readonly perHost: number;
}

const DEFAULT: HostLimits = { perAccount: 4, perHost: 20 };

/** Providers that turn connections away earlier than most, by the end of their servers' names. */
const PROFILES: readonly (readonly [RegExp, HostLimits])[] = [
  // 15 for an account, shared with its owner's phones and programs; slower to forgive than others.
  [/(^|\.)(gmail|googlemail)\.com$/, { perAccount: 3, perHost: 20 }],
  // Documented nowhere; a handful is seen to work.
  [/(^|\.)(yahoo|aol)\.com$/, { perAccount: 2, perHost: 10 }],
  [/(^|\.)(office365|outlook)\.com$/, { perAccount: 3, perHost: 20 }],
  [/(^|\.)(mail\.me|icloud)\.com$/, { perAccount: 2, perHost: 10 }],
];

export const limitsOf = (host: string): HostLimits => PROFILES.find(([name]) => name.test(host))?.[1] ?? DEFAULT;

/**
 * How many runs may go on at a host. One connection fewer than it bears: a run asks for a second one when it doubts
 * what it hears, and if all of them waited for that with none left, they would wait for ever.
 */
export const runsAt = (host: string): number => Math.max(1, limitsOf(host).perHost - 1);

const COOLING_MS = 30_000;
export const LONGEST_COOLING_MS = 10 * 60_000;

/** How long a host that has turned `refusals` connections away in a row is left alone, in milliseconds. */
export const coolingMs = (refusals: number): number => Math.min(LONGEST_COOLING_MS, COOLING_MS * 2 ** (refusals - 1));
