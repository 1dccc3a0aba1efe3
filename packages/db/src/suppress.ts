import { type RawBuilder, sql } from 'kysely';
import { complaintsUntilOperator, type SuppressionCause } from '@reconfirm/core/suppression';
import type { Database } from './database.ts';
import { named } from './named-statements.ts';
import { isInForce, noteChanges } from './suppression-changes.ts';

/** What became of a message, and why its address gets nothing more. */
export interface SuppressingOutcome {
  readonly messageId: string;
  readonly cause: SuppressionCause;
  /** The server's or the provider's word for it, scrubbed. */
  readonly detail: string | null;
}

/**
 * Suppresses the addresses of messages, in the transaction that records what became of them: the rule of
 * core/suppression.ts (`suppress`), one statement however many there are, and an event for the account of
 * each address that was not suppressed before. Doing it again changes nothing. `days`: `hardBounceDays`.
 *
 * A message goes to the address of its key, unless its account has moved away between two attempts: then
 * nobody knows here which of its addresses refused it, and none is suppressed.
 */
export const suppressAddresses = async (
  tx: Database,
  by: 'report' | 'hand_over',
  outcomes: readonly SuppressingOutcome[],
  days: readonly number[],
): Promise<void> => {
  if (outcomes.length === 0) return;
  const lasts = sql`(${[...days]}::int[])`;
  await sql`
    ${named(`suppress_after_${by}`)}
    WITH outcome AS (
      SELECT * FROM unnest(
        ${outcomes.map((o) => o.messageId)}::uuid[], ${outcomes.map((o) => o.cause)}::text[],
        ${outcomes.map((o) => o.detail)}::text[]) AS o (message_id, cause, detail)),
    cause AS (
      SELECT m.address_key, m.organization_id, m.channel, o.detail, m.id AS message_id,
             coalesce(m.sent_at, now()) AS handed_over_at, ${lasts}[1] AS first_days,
             -- The same as causeOn in the core.
             CASE WHEN m.channel = 'sms' AND o.cause = 'complaint' THEN 'opt_out' ELSE o.cause END AS reason
        FROM outcome o JOIN messages m ON m.id = o.message_id
        LEFT JOIN accounts a ON a.id = m.account_id AND m.change_id IS NULL
       WHERE coalesce(CASE m.channel WHEN 'sms' THEN a.phone_key ELSE a.email_key END, m.address_key) = m.address_key),
    worst AS (
      SELECT DISTINCT ON (address_key) * FROM cause
       WHERE reason = 'complaint' OR first_days IS NOT NULL
       ORDER BY address_key, reason <> 'complaint', handed_over_at DESC),
    written AS (
      INSERT INTO suppressions AS s (
        organization_id, address_key, channel, reason, detail, message_id, delivery_event_id, times, complaints, expires_at)
      SELECT w.organization_id, w.address_key, w.channel, w.reason, w.detail, w.message_id, ${sourceEvent(by)},
             (w.reason <> 'complaint')::int, (w.reason = 'complaint')::int,
             CASE WHEN w.reason <> 'complaint' THEN now() + make_interval(hours => 24 * w.first_days) END
        FROM worst w
       -- Rows are locked in the order of their keys by every batch, so that batches do not deadlock.
       ORDER BY w.address_key
      ON CONFLICT (address_key) DO UPDATE
         SET reason = excluded.reason, detail = excluded.detail, message_id = excluded.message_id,
             delivery_event_id = excluded.delivery_event_id, suppressed_at = now(),
             lifted_at = NULL, lifted_by = NULL, times = ${timesAfter},
             complaints = CASE WHEN s.lifted_by = 'operator' THEN 0 ELSE s.complaints END + excluded.complaints,
             expires_at = CASE WHEN excluded.reason <> 'complaint'
               THEN now() + make_interval(hours => 24 * ${lasts}[least(${timesAfter}, cardinality(${lasts}))]) END
       WHERE CASE WHEN ${isInForce} THEN excluded.reason = 'complaint'
                    AND (s.expires_at IS NOT NULL OR s.suppressed_at < ${handedOverAt})
                  ELSE s.lifted_at IS NULL OR s.lifted_at < ${handedOverAt} END
      RETURNING s.*),
    ${noteChanges({ changed: sql`written`, change: 'suppressed', by, messageId: sql`c.message_id` })}
    SELECT count(*) FROM written`.execute(tx);
};

/** The report that was stored last: reports are stored before they are applied. */
const sourceEvent = (by: 'report' | 'hand_over'): RawBuilder<unknown> =>
  by === 'hand_over'
    ? sql`NULL::bigint`
    : sql`(SELECT e.id FROM delivery_events e
             WHERE e.message_id = w.message_id AND e.type IN ('bounced', 'complained') ORDER BY e.id DESC LIMIT 1)`;

/** A lift makes a fresh start; a complaint is not counted. */
const timesAfter = sql`(CASE WHEN s.lifted_at IS NULL THEN s.times ELSE 0 END + excluded.times)`;

const handedOverAt = sql`(SELECT w.handed_over_at FROM worst w WHERE w.address_key = s.address_key)`;

/**
 * Parts for the WITH of the statement by which somebody uses what a message brought (`used`, with a column
 * `message_id`): the rule of `isEndedByProof`. One look-up by a key.
 */
export const liftByProof = (used: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  lifted AS (
    UPDATE suppressions s SET lifted_at = now(), lifted_by = 'proof'
      FROM ${used} u JOIN messages m ON m.id = u.message_id
     WHERE s.address_key = m.address_key AND s.lifted_at IS NULL
       AND (s.reason = 'hard_bounce' OR (s.reason = 'complaint' AND m.passed_captcha AND s.complaints < ${complaintsUntilOperator}))
    RETURNING s.*, u.message_id AS proved_by),
  ${noteChanges({ changed: sql`lifted`, change: 'lifted', by: 'proof', messageId: sql`c.proved_by` })}`;
