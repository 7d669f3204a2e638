import { timeOr } from '../plumbing/clock.ts';

/**
 * The order of the queue. Runs that a user asked for come before scheduled ones. Within each of the two, the tenants
 * take turns: a run's turn is the number of its tenant's running runs plus its position among the tenant's queued ones.
 * Ties go to the tenant served least recently.
 *
 * So a tenant with one account waits for one run of another tenant, however many thousands of those are queued: until
 * that run ends, or until its time slice is over (domain/time-slice.ts). A worker with several slots keeps the last one
 * for tenants that have nothing running (claim-run.ts), so that such a tenant need not even wait for that.
 *
 * The queue is read tenant by tenant from one index, `sync_run_queue`: the queued runs are never sorted.
 *
 * First come, first served, and fixed shares of workers, were refused: docs/decisions/0003-tenants-alternate.md.
 */

/** The number of running runs of each tenant. */
const BUSY = `SELECT tenant_id, count(*) AS running FROM sync_run WHERE status = 'RUNNING' GROUP BY tenant_id`;

/**
 * Query of queued runs, each with its turn.
 * @param which condition on `r` (sync_run)
 */
export const inTurns = (which: string): string => `
  SELECT r.id, coalesce(busy.running, 0)
    + row_number() OVER (PARTITION BY r.tenant_id, r.trigger ORDER BY r.queued_at, r.id) AS turn
  FROM sync_run r LEFT JOIN (${BUSY}) busy ON busy.tenant_id = r.tenant_id
  WHERE r.status = 'QUEUED' AND ${which}`;

/** The tenants with queued runs, per trigger. The query skips from one to the next in the index. */
const QUEUES = `
  (SELECT tenant_id, trigger FROM sync_run WHERE status = 'QUEUED' ORDER BY tenant_id, trigger LIMIT 1)
  UNION ALL
  SELECT next.tenant_id, next.trigger FROM queues CROSS JOIN LATERAL (
    SELECT r.tenant_id, r.trigger FROM sync_run r
    WHERE r.status = 'QUEUED' AND (r.tenant_id, r.trigger) > (queues.tenant_id, queues.trigger)
    ORDER BY r.tenant_id, r.trigger LIMIT 1
  ) next`;

/**
 * Query of the first run in the queue. For each tenant, only its first run that may begin is a candidate. Tenants are visited
 * in the order of their turns, so most are never searched for a run.
 * @param which condition on `r` (sync_run) and `a` (email_account)
 * @param busy condition on `busy` (`running`: running runs of the tenant, null for none)
 */
export const firstInQueue = (which: string, busy: string): string => `
  WITH RECURSIVE queues AS (${QUEUES}), turns AS (
    SELECT queues.*, queues.trigger = 'SCHEDULE' AS is_scheduled, coalesce(busy.running, 0) AS running, t.served_at
    FROM queues JOIN tenant t ON t.id = queues.tenant_id LEFT JOIN (${BUSY}) busy ON busy.tenant_id = t.id
    WHERE ${busy}
    ORDER BY is_scheduled, running, served_at NULLS FIRST OFFSET 0
  )
  SELECT first.id FROM turns CROSS JOIN LATERAL (
    SELECT r.id, r.queued_at FROM sync_run r JOIN email_account a ON a.id = r.account_id
    WHERE r.status = 'QUEUED' AND r.tenant_id = turns.tenant_id AND r.trigger = turns.trigger AND ${which}
    ORDER BY r.queued_at, r.id LIMIT 1
  ) first
  ORDER BY is_scheduled, running, served_at NULLS FIRST, first.queued_at, turns.tenant_id LIMIT 1`;

/**
 * Query of the position of the queued run `$1` in the whole queue, from 1. The number of each tenant's queued runs
 * gives how many of them come before it. The times of two runs are compared only if their tenants were served at the
 * same moment, or never.
 */
export const PLACE = `
  WITH busy AS (${BUSY}), own AS (
    SELECT r.tenant_id, r.trigger, r.queued_at, t.served_at, r.nth, coalesce(busy.running, 0) + r.nth AS turn
    FROM (
      SELECT r.*, (
        SELECT count(*) FROM sync_run o WHERE o.status = 'QUEUED' AND o.tenant_id = r.tenant_id AND o.trigger = r.trigger
          AND (o.queued_at, o.id) <= (r.queued_at, r.id)
      ) AS nth
      FROM sync_run r WHERE r.id = $1 AND r.status = 'QUEUED'
    ) r JOIN tenant t ON t.id = r.tenant_id LEFT JOIN busy ON busy.tenant_id = r.tenant_id
  ), others AS (
    SELECT q.tenant_id, q.trigger, q.waiting, t.served_at, own.turn - coalesce(busy.running, 0) AS equal
    FROM (
      SELECT tenant_id, trigger, count(*) AS waiting FROM sync_run WHERE status = 'QUEUED' GROUP BY tenant_id, trigger
    ) q
    CROSS JOIN own JOIN tenant t ON t.id = q.tenant_id LEFT JOIN busy ON busy.tenant_id = q.tenant_id
    WHERE (q.tenant_id, q.trigger) <> (own.tenant_id, own.trigger)
  )
  SELECT (own.nth + coalesce(sum(CASE
    WHEN others.trigger <> own.trigger THEN CASE WHEN others.trigger = 'USER' THEN others.waiting ELSE 0 END
    ELSE least(others.waiting, greatest(0, others.equal - 1)) + CASE
      WHEN others.equal < 1 OR others.equal > others.waiting THEN 0
      WHEN others.served_at IS DISTINCT FROM own.served_at
        THEN (coalesce(others.served_at, '-infinity') < coalesce(own.served_at, '-infinity'))::int
      ELSE ((
        SELECT (r.queued_at, r.tenant_id) < (own.queued_at, own.tenant_id) FROM sync_run r
        WHERE r.status = 'QUEUED' AND r.tenant_id = others.tenant_id AND r.trigger = others.trigger
        ORDER BY r.queued_at, r.id OFFSET others.equal - 1 LIMIT 1
      ))::int
    END
  END) FILTER (WHERE others.tenant_id IS NOT NULL), 0))::int AS place
  FROM own LEFT JOIN others ON true GROUP BY own.nth`;

/** Condition on `a` (email_account): its provider does not throttle it, and its host is not cooling. */
export const mayBegin = (at: `$${number}`): string => `
  (a.throttled_until IS NULL OR a.throttled_until <= ${timeOr(at)})
  AND NOT EXISTS (SELECT 1 FROM imap_host h WHERE h.host = a.imap_host AND h.cooling_until > ${timeOr(at)})`;
