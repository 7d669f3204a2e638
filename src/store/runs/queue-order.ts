import { timeOr } from '../clock.ts';

/** How many runs of each tenant go on. */
const BUSY = `
  SELECT a.tenant_id, count(*) AS running FROM sync_run r JOIN email_account a ON a.id = r.account_id
  WHERE r.status = 'RUNNING' GROUP BY a.tenant_id`;

/**
 * The order of the queue: what somebody asked for goes before what the schedule started; of each of the two the tenants
 * take turns. A run's turn is how many of its tenant are running, plus its place among those of its tenant that wait;
 * of equal turns the tenant comes first that has not had one for longest. So a tenant with one account waits for one run
 * of another tenant, however many thousand of those are queued: until it ends, or has had its turn (domain/turns.ts). And
 * where a worker has several places, the last is kept for tenants that have nothing running (claim-run.ts), so that it
 * does not wait for that either.
 *
 * Refused: first come, first served (one tenant's import would stop all others), and a fixed share of workers for each
 * tenant (they would idle while runs wait).
 * @param which condition on `r` (sync_run), `a` (email_account) and `busy` (`running`: runs of the tenant that go on, null for none)
 */
export const inQueueOrder = (which: string): string => `
  SELECT id, row_number() OVER (ORDER BY is_scheduled, turn, served_at NULLS FIRST, queued_at, tenant_id, id)::int AS place
  FROM (${inTurns(which)}) waiting`;

/** The queued runs with the turn of each. */
export const inTurns = (which: string): string => `
  SELECT r.id, r.queued_at, r.trigger = 'SCHEDULE' AS is_scheduled, t.served_at, a.tenant_id,
    coalesce(busy.running, 0)
      + row_number() OVER (PARTITION BY a.tenant_id, r.trigger ORDER BY r.queued_at, r.id) AS turn
  FROM sync_run r
  JOIN email_account a ON a.id = r.account_id
  JOIN tenant t ON t.id = a.tenant_id
  LEFT JOIN (${BUSY}) busy ON busy.tenant_id = a.tenant_id
  WHERE r.status = 'QUEUED' AND ${which}`;

/**
 * The first of the queue. Only the first of each tenant can be it, and these are found without sorting all that wait,
 * which takes half the time where they are thousands.
 * @param which as above, but for `busy`
 * @param busy condition on `busy`
 */
export const firstInQueue = (which: string, busy: string): string => `
  WITH waiting AS MATERIALIZED (
    SELECT r.id, r.queued_at, r.trigger, a.tenant_id FROM sync_run r JOIN email_account a ON a.id = r.account_id
    WHERE r.status = 'QUEUED' AND ${which}
  ), turn AS (
    SELECT first.* FROM (
      SELECT tenant_id, trigger, min(queued_at) AS queued_at FROM waiting GROUP BY tenant_id, trigger
    ) first
    JOIN tenant t ON t.id = first.tenant_id
    LEFT JOIN (${BUSY}) busy ON busy.tenant_id = first.tenant_id
    WHERE ${busy}
    ORDER BY first.trigger = 'SCHEDULE', coalesce(busy.running, 0), t.served_at NULLS FIRST, first.queued_at,
      first.tenant_id LIMIT 1
  )
  SELECT waiting.id FROM waiting JOIN turn USING (tenant_id, trigger, queued_at) ORDER BY waiting.id LIMIT 1`;

/** Condition on `a` (email_account): neither its provider nor its host asks to be left alone. */
export const mayBegin = (at: `$${number}`): string => `
  (a.throttled_until IS NULL OR a.throttled_until <= ${timeOr(at)})
  AND NOT EXISTS (SELECT 1 FROM imap_host h WHERE h.host = a.imap_host AND h.cooling_until > ${timeOr(at)})`;
