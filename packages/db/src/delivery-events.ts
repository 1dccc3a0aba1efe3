import { sql } from 'kysely';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import { statusReportedBy } from '@reconfirm/core/message';
import type { Database } from './database.ts';
import type { AccountEventType } from './schema.ts';

/** A provider's report together with what proves that it came once. */
export interface IncomingEvent {
  readonly provider: string;
  readonly event: DeliveryEvent;
  readonly replayKey: Uint8Array;
  readonly bodyHash: Uint8Array;
}

/** `applied`: counted (its message may have moved). `parked`: its message is not known yet. `repeated`: seen before. `replayed`: a used signature over another body. */
export type EventOutcome = 'applied' | 'parked' | 'repeated' | 'replayed';

const accountEventOf = (event: DeliveryEvent): AccountEventType | null => {
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

/**
 * Stores a report once and applies it in the same transaction: message, account status and account
 * event move together or not at all. A report whose message is not known is
 * parked, for the sweep to apply later.
 */
export const storeDeliveryEvent = async (db: Database, incoming: IncomingEvent): Promise<EventOutcome> =>
  db.transaction().execute(async (tx) => {
    const { event, provider } = incoming;
    const inserted = await tx
      .insertInto('delivery_events')
      .values({
        provider,
        event_id: event.eventId,
        replay_key: Buffer.from(incoming.replayKey),
        body_hash: Buffer.from(incoming.bodyHash),
        message_id: event.messageId ?? null,
        provider_message_id: event.providerMessageId ?? null,
        type: event.type,
        bounce: event.bounce ?? null,
        reason: event.reason ?? null,
        occurred_at: event.occurredAt,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (inserted === undefined) return repeatedOrReplayed(tx, incoming);
    return (await applyDeliveryEvent(tx, inserted.id)) ? 'applied' : 'parked';
  });

/** The same signature over another body is a forgery; anything else that was seen before is a retry. */
const repeatedOrReplayed = async (tx: Database, incoming: IncomingEvent): Promise<EventOutcome> => {
  const forged = await tx
    .selectFrom('delivery_events')
    .select('id')
    .where('provider', '=', incoming.provider)
    .where('replay_key', '=', Buffer.from(incoming.replayKey))
    .where('body_hash', '<>', Buffer.from(incoming.bodyHash))
    .executeTakeFirst();
  return forged === undefined ? 'repeated' : 'replayed';
};

interface ParkedRow extends Omit<DeliveryEvent, 'occurredAt'> {
  readonly message: string;
}

/** Applies one stored report; false while its message is not known. */
const applyDeliveryEvent = async (tx: Database, id: string): Promise<boolean> => {
  // Locked before anything is read of it: from here on nobody deletes its account.
  const { rows } = await sql<ParkedRow>`
    WITH held AS MATERIALIZED (
      SELECT m.id FROM delivery_events e JOIN messages m
          ON m.id = e.message_id OR (e.message_id IS NULL AND m.provider_message_id = e.provider_message_id)
       WHERE e.id = ${id} AND e.applied_at IS NULL FOR NO KEY UPDATE OF m)
    UPDATE delivery_events e SET applied_at = now(), message_id = held.id
      FROM held WHERE e.id = ${id} AND e.applied_at IS NULL
    RETURNING held.id AS message, e.type, e.reason, e.bounce`.execute(tx);
  const row = rows[0];
  if (row === undefined) return false;
  await moveMessage(tx, row);
  return true;
};

/** Moves a message by what was reported; a report of lower rank still leaves its mark in the account's events. */
const moveMessage = async (tx: Database, row: ParkedRow): Promise<void> => {
  const status = statusReportedBy(row);
  const publicWord = { sent: 'SENT', delivered: 'DELIVERED', bounced: 'FAILED', complained: 'COMPLAINED' };
  const accountEvent = accountEventOf({ ...row, occurredAt: new Date(0) });
  const shown = status === null ? null : (publicWord[status as keyof typeof publicWord] ?? null);
  await sql`
    WITH moved AS (
      UPDATE messages m
         SET status = ${status}::text,
             -- What was sent stays readable: a notice is not the message that was asked for.
             reason = CASE WHEN starts_with(m.reason, 'notice_') THEN m.reason ELSE coalesce(${row.reason ?? null}::text, m.reason) END,
             lease_until = NULL, sealed = NULL,
             settled_at = coalesce(m.settled_at, now()), sent_at = coalesce(m.sent_at, now())
       WHERE m.id = ${row.message} AND m.rank + 0 < status_rank(${status}::text)
      RETURNING m.id, m.seq, m.channel, m.account_id, starts_with(m.reason, 'notice_') AS is_notice),
    -- Settled: no attempt will need to derive the token again.
    forgotten AS (
      UPDATE verifications v SET nonce = NULL FROM moved WHERE v.message_id = moved.id AND v.nonce IS NOT NULL),
    account AS (
      UPDATE accounts a SET verification_email_status = ${shown}::text, verification_message_seq = moved.seq
        FROM moved
       WHERE a.id = moved.account_id AND moved.channel = 'email' AND moved.is_notice IS NOT TRUE
         AND coalesce(a.verification_message_seq, 0) <= moved.seq)
    INSERT INTO account_events (account_id, type, detail)
    SELECT m.account_id, CASE m.channel WHEN 'sms' THEN replace(${accountEvent}::text, '_EMAIL_', '_SMS_') ELSE ${accountEvent}::text END,
           jsonb_strip_nulls(jsonb_build_object('messageId', m.id, 'reason', ${row.reason ?? null}::text))
      FROM messages m
     WHERE m.id = ${row.message} AND m.account_id IS NOT NULL AND starts_with(m.reason, 'notice_') IS NOT TRUE
       AND ${accountEvent}::text IS NOT NULL`.execute(tx);
};

/** A row is committed before its mail is sent, so a report finds it at once, within minutes, or never. */
const matchWithinMinutes = 10;

/**
 * Applies parked reports whose message has become known; returns how many. Several workers may do this at once.
 * Each has a transaction of its own, because they come in no order of their messages.
 */
export const applyParkedEvents = async (db: Database, limit: number): Promise<number> => {
  const { rows } = await sql<{ id: string }>`
    SELECT e.id FROM delivery_events e
     WHERE e.applied_at IS NULL AND e.received_at > now() - make_interval(mins => ${matchWithinMinutes})
       AND EXISTS (SELECT FROM messages m WHERE m.id = e.message_id
                OR (e.message_id IS NULL AND m.provider_message_id = e.provider_message_id))
     ORDER BY e.id LIMIT ${limit}`.execute(db);
  let applied = 0;
  for (const { id } of rows) if (await applyUnlessTaken(db, id)) applied += 1;
  return applied;
};

/** False when another worker has it in hand, or had. */
const applyUnlessTaken = (db: Database, id: string): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      SELECT FROM delivery_events WHERE id = ${id} AND applied_at IS NULL FOR UPDATE SKIP LOCKED`.execute(tx);
    return rows.length > 0 && (await applyDeliveryEvent(tx, id));
  });
