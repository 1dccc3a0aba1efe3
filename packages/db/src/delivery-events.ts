import { type RawBuilder, sql } from 'kysely';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import { statusReportedBy } from '@reconfirm/core/message';
import { causeOfReport, hardBounceDays, hardBounceDaysDefault } from '@reconfirm/core/suppression';
import type { Database } from './database.ts';
import { type EventOutcome, type IncomingEvent, messageOf, writeReports } from './incoming-events.ts';
import { lockMessages } from './lock-order.ts';
import { named } from './named-statements.ts';
import type { AccountEventType } from './schema.ts';
import { suppressAddresses } from './suppress.ts';

export type { EventOutcome, IncomingEvent } from './incoming-events.ts';

const accountEventOf = (event: Pick<DeliveryEvent, 'type'>): AccountEventType | null => {
  switch (event.type) {
    case 'delivered':
      return 'VERIFICATION_EMAIL_DELIVERED';
    case 'deferred':
      return 'VERIFICATION_EMAIL_TEMP_FAILED';
    case 'bounced':
    case 'rejected':
    case 'failed':
      return 'VERIFICATION_EMAIL_FAILED';
    case 'complained':
      return 'VERIFICATION_EMAIL_COMPLAINED';
    case 'accepted':
    case 'unknown':
      return null;
  }
};

const daysUnlessSet = hardBounceDays(hardBounceDaysDefault);

/** Stores one report; see `storeDeliveryEvents`. */
export const storeDeliveryEvent = async (
  db: Database,
  incoming: IncomingEvent,
  suppressDays?: readonly number[],
): Promise<EventOutcome> => {
  const [outcome] = await storeDeliveryEvents(db, [incoming], suppressDays);
  if (outcome === undefined) throw new Error('a report has an outcome');
  return outcome;
};

/**
 * Stores reports, of one request or of several, each once, and applies them in the same transaction: messages,
 * account status, account events and suppressions move together or not at all. Three statements, however many
 * new reports there are, one more where some were seen before, and one where an address is suppressed: for how
 * long a hard bounce does that is `suppressDays` (`hardBounceDays`). A report whose message is not known is
 * parked, for the sweep to apply later. The outcomes stand in the order of the reports.
 */
export const storeDeliveryEvents = async (
  db: Database,
  incoming: readonly IncomingEvent[],
  suppressDays: readonly number[] = daysUnlessSet,
): Promise<readonly EventOutcome[]> => {
  if (incoming.length === 0) return [];
  return db.transaction().execute(async (tx) => {
    const { outcomes, fresh } = await writeReports(tx, incoming, true);
    const applied = fresh.flatMap(({ message, event: { type, bounce, reason } }): AppliedRow[] =>
      message === null ? [] : [{ message, type, bounce, reason }],
    );
    await moveMessages(tx, applied);
    await suppressReported(tx, applied, suppressDays);
    return outcomes;
  });
};

/** Reports that are in the table and not yet applied. */
export interface StoredReports {
  readonly outcomes: readonly EventOutcome[];
  /** Of those that are new: for `applyStoredEvents`, and should that never come, for the sweep. */
  readonly ids: readonly string[];
}

/** Stores the reports of one request, each once, by one statement, and leaves applying them for afterwards. */
export const storeEventsForLater = (
  db: Database,
  incoming: readonly IncomingEvent[],
): Promise<StoredReports> =>
  db.transaction().execute(async (tx) => {
    const { outcomes, fresh } = await writeReports(tx, incoming, false);
    return { outcomes, ids: fresh.map(({ id }) => id) };
  });

interface AppliedRow extends Pick<DeliveryEvent, 'type'> {
  readonly message: string;
  readonly bounce?: DeliveryEvent['bounce'] | null | undefined;
  readonly reason?: string | null | undefined;
}

/** Nothing at all for all reports but hard bounces and complaints. */
const suppressReported = (
  tx: Database,
  applied: readonly AppliedRow[],
  suppressDays: readonly number[],
): Promise<void> => {
  const outcomes = applied.flatMap(({ message, type, bounce, reason }) => {
    const cause = causeOfReport({ type, bounce });
    return cause === null ? [] : [{ messageId: message, cause, detail: reason ?? null }];
  });
  return suppressAddresses(tx, 'report', outcomes, suppressDays);
};

const publicWords: Readonly<Record<string, string>> = {
  sent: 'SENT',
  undelivered: 'FAILED',
  delivered: 'DELIVERED',
  bounced: 'FAILED',
  complained: 'COMPLAINED',
};

/**
 * Moves messages by what was reported in this order, each to the highest that was; a report of lower rank
 * still leaves its mark in the account's events, unless it says what is known, or that a copy of what was
 * delivered was refused.
 */
const moveMessages = async (tx: Database, applied: readonly AppliedRow[]): Promise<void> => {
  if (applied.length === 0) return;
  // From here on nobody deletes their accounts.
  await lockMessages(
    tx,
    applied.map(({ message }) => message),
  );
  const rows = applied.map((row, place) => ({ ...row, place }));
  const statuses = rows.map(statusReportedBy);
  await sql`
    ${named('move_messages')}
    WITH report AS (
      SELECT r.*, max(status_rank(status)) OVER (
               PARTITION BY message ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS rank_before
        FROM unnest(
        ${rows.map((row) => row.message)}::uuid[], ${rows.map((row) => row.place)}::int[], ${statuses}::text[],
        ${statuses.map((status) => publicWords[status ?? ''] ?? null)}::text[],
        ${rows.map(accountEventOf)}::text[], ${rows.map((row) => row.reason ?? null)}::text[]
      ) AS r (message, place, status, shown, event, reason)),
    highest AS (
      SELECT DISTINCT ON (message) * FROM report WHERE status IS NOT NULL
       ORDER BY message, status_rank(status) DESC, place),
    moved AS (
      UPDATE messages m
         SET status = r.status,
             -- What was sent stays readable: a notice is not the message that was asked for.
             reason = CASE WHEN starts_with(m.reason, 'notice_') THEN m.reason ELSE coalesce(r.reason, m.reason) END,
             lease_until = NULL, sealed = NULL,
             settled_at = coalesce(m.settled_at, now()), sent_at = coalesce(m.sent_at, now())
        FROM highest r
       WHERE m.id = r.message AND m.rank + 0 < status_rank(r.status)
      RETURNING m.id, m.seq, m.channel, m.account_id, r.shown, starts_with(m.reason, 'notice_') AS is_notice),
    -- Settled: no attempt will need to derive the token again.
    forgotten AS (
      UPDATE verifications v SET nonce = NULL FROM moved WHERE v.message_id = moved.id AND v.nonce IS NOT NULL),
    account AS (
      UPDATE accounts a SET verification_email_status = moved.shown, verification_message_seq = moved.seq
        FROM (SELECT DISTINCT ON (account_id) * FROM moved WHERE channel = 'email' AND is_notice IS NOT TRUE
               ORDER BY account_id, seq DESC) moved
       WHERE a.id = moved.account_id AND coalesce(a.verification_message_seq, 0) <= moved.seq)
    INSERT INTO account_events (account_id, type, detail)
    SELECT m.account_id, CASE m.channel WHEN 'sms' THEN replace(r.event, '_EMAIL_', '_SMS_') ELSE r.event END,
           jsonb_strip_nulls(jsonb_build_object('messageId', m.id, 'reason', r.reason))
      -- One look-up a report: a join would read all messages where they are few, and each plan is kept.
      FROM report r CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.id = r.message LIMIT 1) m
     WHERE r.event IS NOT NULL AND m.account_id IS NOT NULL AND starts_with(m.reason, 'notice_') IS NOT TRUE
       -- Not what is known already, by another report or by the provider's answer to a question; nor that what
       -- was delivered has failed because another copy, or a later word, did.
       AND (r.status IS NULL OR NOT (greatest(m.rank, r.rank_before) = status_rank(r.status)
         OR (r.status = 'undelivered' AND greatest(m.rank, r.rank_before) >= 60)))
     ORDER BY r.place`.execute(tx);
};

/** A row is committed before its mail is sent, so a report finds it at once, within minutes, or never. */
const matchWithinMinutes = 10;

/**
 * Applies parked reports whose message has become known; returns how many. Several workers may do this at once.
 * `whenever`: also those that have been here for long and name a message of ours, as after a time in which nobody applied any.
 */
export const applyParkedEvents = (
  db: Database,
  limit: number,
  suppressDays: readonly number[] = daysUnlessSet,
  whenever = false,
): Promise<number> => {
  const isRecent = sql`r.received_at > now() - make_interval(mins => ${matchWithinMinutes})`;
  const isDue = whenever ? sql`(${isRecent} OR r.message_id IS NOT NULL)` : isRecent;
  return applyEvents(db, sql`${isDue} ORDER BY r.id LIMIT ${limit}`, suppressDays);
};

/** The same for reports of `storeEventsForLater`; those that somebody else has applied meanwhile stay as they are. */
export const applyStoredEvents = (
  db: Database,
  ids: readonly string[],
  suppressDays: readonly number[] = daysUnlessSet,
): Promise<number> => applyEvents(db, sql`r.id = ANY (${ids}::bigint[]) ORDER BY r.id`, suppressDays);

const applyEvents = async (
  db: Database,
  which: RawBuilder<unknown>,
  suppressDays: readonly number[],
): Promise<number> =>
  db.transaction().execute(async (tx) => {
    const { rows } = await sql<AppliedRow>`
      WITH due AS MATERIALIZED (
        SELECT r.id, found.id AS message FROM delivery_events r CROSS JOIN LATERAL (${messageOf}) found
         WHERE r.applied_at IS NULL AND ${which} FOR UPDATE OF r SKIP LOCKED),
      applied AS (
        UPDATE delivery_events e SET applied_at = now(), message_id = due.message
          FROM due WHERE e.id = due.id AND e.applied_at IS NULL
        RETURNING e.id, e.occurred_at, due.message, e.type, e.bounce, e.reason)
      SELECT message, type, bounce, reason FROM applied ORDER BY occurred_at, id`.execute(tx);
    await moveMessages(tx, rows);
    await suppressReported(tx, rows, suppressDays);
    return rows.length;
  });
