import type { Client } from 'pg';

interface Asked {
  readonly from: Date;
  readonly intervalSeconds: number;
  readonly accounts: readonly { readonly user: string; readonly messages: number }[];
}

/** Reads the results of a soak from the rows: figures to print, and violations. */
export async function findings(
  client: Client,
  { from, intervalSeconds, accounts }: Asked,
): Promise<{ figures: object; broken: string[] }> {
  const rows = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query<Row>(text, values)).rows;

  const byStatus = await rows<{ status: string; n: number }>(
    'SELECT status, count(*)::int AS n FROM sync_run GROUP BY status ORDER BY status',
  );
  const lost = await rows(
    `SELECT id FROM sync_run WHERE finished_at IS NULL AND requested_at < now() - $1 * interval '2 seconds'`,
    [intervalSeconds],
  );
  const doubled = await rows(
    `SELECT a.id FROM sync_run a JOIN sync_run b ON b.account_id = a.account_id AND b.id <> a.id
       AND b.started_at >= a.started_at AND b.started_at < a.finished_at`,
  );
  const [lag] = await rows<Record<string, number>>(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY lag) AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY lag) AS p99, max(lag) AS max
     FROM (SELECT extract(epoch FROM started_at - requested_at)::float8 AS lag FROM sync_run
       WHERE trigger = 'SCHEDULE' AND started_at IS NOT NULL AND requested_at >= $1) l`,
    [from],
  );
  const [took] = await rows<Record<string, number>>(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY took) AS p95
     FROM (SELECT extract(epoch FROM finished_at - started_at)::float8 AS took FROM sync_run WHERE status = 'SUCCEEDED') t`,
  );
  // An account with refused credentials is not synced: its gap begins when they were corrected.
  const gaps = await rows<{ account: string; seconds: number }>(
    `SELECT account_id AS account, extract(epoch FROM at - before)::float8 AS seconds FROM (
       SELECT account_id, at, kind, lag(at) OVER (PARTITION BY account_id ORDER BY at) AS before FROM (
         SELECT account_id, finished_at AS at, 'sync' AS kind FROM sync_run WHERE status = 'SUCCEEDED'
         UNION ALL
         SELECT account_id, occurred_at, 'login' FROM event WHERE type = 'account_reconnected'
         UNION ALL
         SELECT account_id, occurred_at, 'refused' FROM event WHERE type = 'account_needs_auth'
         UNION ALL
         SELECT id, $1, 'begin' FROM email_account
         UNION ALL
         SELECT id, now(), 'end' FROM email_account
       ) facts
     ) steps WHERE before IS NOT NULL AND kind IN ('sync', 'end') AND at >= $1 ORDER BY seconds DESC LIMIT 1`,
    [from],
  );
  const stored = new Map(
    (
      await rows<{ address: string; n: number }>(
        `SELECT a.email_address AS address, count(l.uid)::int AS n FROM email_account a
         LEFT JOIN message_location l ON l.account_id = a.id AND l.state = 'STORED' AND l.deleted_at IS NULL
         GROUP BY 1`,
      )
    ).map(({ address, n }) => [address, n]),
  );
  const incomplete = accounts.filter(({ user, messages }) => stored.get(`${user}@example.com`) !== messages);
  const [longest] = gaps;

  return {
    figures: {
      runs: Object.fromEntries(byStatus.map(({ status, n }) => [status, n])),
      secondsFromDueToStart: rounded(lag!),
      secondsOfASync: rounded(took!),
      longestSecondsUnsynced: Math.round(longest?.seconds ?? 0),
      messages: [...stored.values()].reduce((sum, n) => sum + n, 0),
    },
    broken: [
      ...(lost.length > 0 ? [`${lost.length} runs are lost`] : []),
      ...(doubled.length > 0 ? [`${doubled.length} runs overlapped another run of their account`] : []),
      ...(longest && longest.seconds > 2 * intervalSeconds
        ? [`an account was not synced for ${longest.seconds} s`]
        : []),
      ...incomplete.slice(0, 5).map(({ user, messages }) => {
        return `${user} has ${messages} messages, stored are ${stored.get(`${user}@example.com`)}`;
      }),
    ],
  };
}

const rounded = (figures: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 1000) / 1000]));
