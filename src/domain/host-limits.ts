/** Most connections open to a mail server at once, from all nodes of an installation. */
export interface HostLimits {
  readonly perAccount: number;
  readonly perHost: number;
}

const DEFAULT: HostLimits = { perAccount: 4, perHost: 20 };

/** Providers that turn connections away earlier than most, by the suffix of their servers' names. */
const PROFILES: readonly (readonly [RegExp, HostLimits])[] = [
  // 15 for an account, shared with its owner's phones and programs; refuses for longer than others.
  [/(^|\.)(gmail|googlemail)\.com$/, { perAccount: 3, perHost: 20 }],
  // Undocumented; a handful has worked in practice.
  [/(^|\.)(yahoo|aol)\.com$/, { perAccount: 2, perHost: 10 }],
  [/(^|\.)(office365|outlook)\.com$/, { perAccount: 3, perHost: 20 }],
  [/(^|\.)(mail\.me|icloud)\.com$/, { perAccount: 2, perHost: 10 }],
];

export const limitsOf = (host: string): HostLimits => PROFILES.find(([name]) => name.test(host))?.[1] ?? DEFAULT;

/**
 * Returns how many runs may be running at a host: one fewer than its connections. A run opens a second connection to
 * confirm a doubtful answer. If all runs waited for one and none was left, they would deadlock.
 */
export const runsAt = (host: string): number => Math.max(1, limitsOf(host).perHost - 1);

const COOLING_MS = 30_000;
export const LONGEST_COOLING_MS = 10 * 60_000;

/** Returns how long a host cools down after it turned `refusals` connections away in a row, in milliseconds. */
export const coolingMs = (refusals: number): number => Math.min(LONGEST_COOLING_MS, COOLING_MS * 2 ** (refusals - 1));
