import { timeOr } from '../plumbing/clock.ts';

/**
 * The order of the queue: what somebody asked for goes before what the schedule started; of each of the two the tenants
 * take turns. A run's turn is how many of its tenant are running, plus its place among those of its tenant that wait;
 * of equal turns the tenant comes first that has not had one for longest. So a tenant with one account waits for one run
 * of another tenant, however many thousand of those are queued: until it ends, or has had its turn (domain/time-slice.ts). And
 * where a worker has several places, the last is kept for tenants that have nothing running (claim-run.ts), so that it
 * does not wait for that either.
 *
 * All of it is read tenant by tenant from one index, `sync_run_queue`: what waits is never sorted.
 *
 * Refused: first come, first served (one tenant's import would stop all others), and a fixed share of workers for each
 * tenant (they would idle while runs wait).
 */

/** How many runs of each tenant go on. */
const BUSY = `SELECT tenant_id, count(*) AS running FROM sync_run WHERE status = 'RUNNING' GROUP BY tenant_id`;

/**
 * The queued runs of some tenants, with the turn of each.
 * @param which condition on `r` (sync_run)
 */
export const inTurns = (which: string): string => `
  SELECT r.id, coalesce(busy.running, 0)
    + row_number() OVER (PARTITION BY r.tenant_id, r.trigger ORDER BY r.queued_at, r.id) AS turn
  FROM sync_run r LEFT JOIN (${BUSY}) busy ON busy.tenant_id = r.tenant_id
  WHERE r.status = 'QUEUED' AND ${which}`;

/** The tenants that have something queued, for each trigger: the index is left from one to the next. */
const QUEUES = `
  (SELECT tenant_id, trigger FROM sync_run WHERE status = 'QUEUED' ORDER BY tenant_id, trigger LIMIT 1)
  UNION ALL
  SELECT next.tenant_id, next.trigger FROM queues CROSS JOIN LATERAL (
    SELECT r.tenant_id, r.trigger FROM sync_run r
    WHERE r.status = 'QUEUED' AND (r.tenant_id, r.trigger) > (queues.tenant_id, queues.trigger)
    ORDER BY r.tenant_id, r.trigger LIMIT 1
  ) next`;

/**
 * The first of the queue. Only the first of each tenant that may begin can be it, and most tenants are not looked at for
 * one: their turn does not come before that of those that have been.
 * @param which condition on `r` (sync_run) and `a` (email_account)
 * @param busy condition on `busy` (`running`: runs of the tenant that go on, null for none)
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
 * The place in the whole queue of the queued run `$1`, from 1: of each tenant it is known from their number how many go
 * before. Only where two tenants were served at the same moment, or never, the times of two runs are held against each
 * other.
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

/** Condition on `a` (email_account): neither its provider nor its host asks to be left alone. */
export const mayBegin = (at: `$${number}`): string => `
  (a.throttled_until IS NULL OR a.throttled_until <= ${timeOr(at)})
  AND NOT EXISTS (SELECT 1 FROM imap_host h WHERE h.host = a.imap_host AND h.cooling_until > ${timeOr(at)})`;
