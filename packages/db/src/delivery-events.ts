import { sql } from 'kysely';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import { statusReportedBy } from '@reconfirm/core/message';
import { causeOfReport, hardBounceDays, hardBounceDaysDefault } from '@reconfirm/core/suppression';
import type { Database } from './database.ts';
import { lockMessages } from './lock-order.ts';
import type { AccountEventType } from './schema.ts';
import { suppressAddresses } from './suppress.ts';

/** A provider's report together with what proves that it came once. */
export interface IncomingEvent {
  readonly provider: string;
  readonly event: DeliveryEvent;
  /** Missing where the event's id alone tells; a request that has one holds one event. */
  readonly replayKey?: Uint8Array | undefined;
  readonly bodyHash: Uint8Array;
}

/** `applied`: counted (its message may have moved). `parked`: its message is not known yet. `repeated`: seen before. `replayed`: a used signature over another body. */
export type EventOutcome = 'applied' | 'parked' | 'repeated' | 'replayed';

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
 * Stores the reports of one request, each once, and applies them in the same transaction: messages,
 * account status, account events and suppressions move together or not at all. Three statements, however many
 * new reports there are, and one more where an address is suppressed: for how long a hard bounce does that is
 * `suppressDays` (`hardBounceDays`). A report whose message is not known is parked, for the sweep to apply later. The outcomes
 * stand in the order of the reports.
 */
export const storeDeliveryEvents = async (
  db: Database,
  incoming: readonly IncomingEvent[],
  suppressDays: readonly number[] = daysUnlessSet,
): Promise<readonly EventOutcome[]> => {
  if (incoming.length === 0) return [];
  return db.transaction().execute((tx) => storeBatch(tx, incoming, suppressDays));
};

const storeBatch = async (
  tx: Database,
  incoming: readonly IncomingEvent[],
  suppressDays: readonly number[],
): Promise<readonly EventOutcome[]> => {
  const inserted = new Map((await insertEvents(tx, incoming)).map((row) => [keyOf(row), row]));
  const outcomes: EventOutcome[] = [];
  const applied: AppliedRow[] = [];
  for (const one of incoming) {
    const key = keyOf({ provider: one.provider, event_id: one.event.eventId });
    const row = inserted.get(key);
    // The same report a second time in one request.
    inserted.delete(key);
    if (row === undefined) outcomes.push(await repeatedOrReplayed(tx, one));
    else outcomes.push(row.is_applied ? 'applied' : 'parked');
    if (row?.is_applied === true && row.message !== null) {
      const { type, bounce, reason } = one.event;
      applied.push({ message: row.message, type, bounce, reason });
    }
  }
  await moveMessages(tx, applied);
  await suppressReported(tx, applied, suppressDays);
  return outcomes;
};

const keyOf = (row: { readonly provider: string; readonly event_id: string }): string =>
  `${row.provider} ${row.event_id}`;

interface InsertedRow {
  readonly provider: string;
  readonly event_id: string;
  readonly message: string | null;
  readonly is_applied: boolean;
}

/**
 * Writes the reports that are new, each with its message where that is known. In the order of their ids, so
 * that two copies of a batch wait for each other and not in a circle.
 */
const insertEvents = async (
  tx: Database,
  incoming: readonly IncomingEvent[],
): Promise<readonly InsertedRow[]> => {
  const sorted = incoming.toSorted((a, b) => (a.event.eventId < b.event.eventId ? -1 : 1));
  const of = <T>(value: (event: DeliveryEvent) => T): T[] => sorted.map(({ event }) => value(event));
  const { rows } = await sql<InsertedRow>`
    INSERT INTO delivery_events (provider, event_id, replay_key, body_hash, message_id, provider_message_id,
                                 type, bounce, reason, occurred_at, applied_at)
    SELECT r.provider, r.event_id, r.replay_key, r.body_hash, coalesce(found.id, r.message_id),
           r.provider_message_id, r.type, r.bounce, r.reason, r.occurred_at,
           CASE WHEN found.id IS NOT NULL THEN now() END
      FROM unnest(
        ${sorted.map(({ provider }) => provider)}::text[], ${of(({ eventId }) => eventId)}::text[],
        ${sorted.map(({ replayKey }) => (replayKey === undefined ? null : Buffer.from(replayKey)))}::bytea[],
        ${sorted.map(({ bodyHash }) => Buffer.from(bodyHash))}::bytea[],
        ${of(({ messageId }) => messageId ?? null)}::uuid[], ${of((event) => event.providerMessageId ?? null)}::text[],
        ${of(({ type }) => type)}::text[], ${of(({ bounce }) => bounce ?? null)}::text[],
        ${of(({ reason }) => reason ?? null)}::text[], ${of(({ occurredAt }) => occurredAt.toISOString())}::timestamptz[]
      ) AS r (provider, event_id, replay_key, body_hash, message_id, provider_message_id, type, bounce, reason, occurred_at)
      LEFT JOIN LATERAL (${messageOf}) found ON true
    ON CONFLICT DO NOTHING
    RETURNING provider, event_id, message_id AS message, applied_at IS NOT NULL AS is_applied`.execute(tx);
  return rows;
};

/** The message of a report `r`: two look-ups by an index, however many reports and messages there are. */
const messageOf = sql`
  (SELECT m.id FROM messages m WHERE m.id = r.message_id)
  UNION ALL
  (SELECT m.id FROM messages m WHERE r.message_id IS NULL AND m.provider_message_id = r.provider_message_id)
  LIMIT 1`;

/** The same signature over another body is a forgery; anything else that was seen before is a retry. */
const repeatedOrReplayed = async (tx: Database, incoming: IncomingEvent): Promise<EventOutcome> => {
  if (incoming.replayKey === undefined) return 'repeated';
  const forged = await tx
    .selectFrom('delivery_events')
    .select('id')
    .where('provider', '=', incoming.provider)
    .where('replay_key', '=', Buffer.from(incoming.replayKey))
    .where('body_hash', '<>', Buffer.from(incoming.bodyHash))
    .executeTakeFirst();
  return forged === undefined ? 'repeated' : 'replayed';
};

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
      FROM report r JOIN messages m ON m.id = r.message
     WHERE r.event IS NOT NULL AND m.account_id IS NOT NULL AND starts_with(m.reason, 'notice_') IS NOT TRUE
       -- Not what is known already, by another report or by the provider's answer to a question; nor that what
       -- was delivered has failed because another copy, or a later word, did.
       AND (r.status IS NULL OR NOT (greatest(m.rank, r.rank_before) = status_rank(r.status)
         OR (r.status = 'undelivered' AND greatest(m.rank, r.rank_before) >= 60)))
     ORDER BY r.place`.execute(tx);
};

/** A row is committed before its mail is sent, so a report finds it at once, within minutes, or never. */
const matchWithinMinutes = 10;

/** Applies parked reports whose message has become known; returns how many. Several workers may do this at once. */
export const applyParkedEvents = async (
  db: Database,
  limit: number,
  suppressDays: readonly number[] = daysUnlessSet,
): Promise<number> =>
  db.transaction().execute(async (tx) => {
    const { rows } = await sql<AppliedRow>`
      WITH due AS MATERIALIZED (
        SELECT r.id, found.id AS message FROM delivery_events r CROSS JOIN LATERAL (${messageOf}) found
         WHERE r.applied_at IS NULL AND r.received_at > now() - make_interval(mins => ${matchWithinMinutes})
         ORDER BY r.id LIMIT ${limit} FOR UPDATE OF r SKIP LOCKED),
      applied AS (
        UPDATE delivery_events e SET applied_at = now(), message_id = due.message
          FROM due WHERE e.id = due.id AND e.applied_at IS NULL
        RETURNING e.id, due.message, e.type, e.bounce, e.reason)
      SELECT message, type, bounce, reason FROM applied ORDER BY id`.execute(tx);
    await moveMessages(tx, rows);
    await suppressReported(tx, rows, suppressDays);
    return rows.length;
  });
