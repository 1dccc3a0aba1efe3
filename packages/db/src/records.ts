import { sql } from 'kysely';
import type { MessageStatus } from '@reconfirm/core/message';
import { hardBounceDays, hardBounceDaysDefault, type SuppressionCause } from '@reconfirm/core/suppression';
import type { Database } from './database.ts';
import type { AccountEventType, AttemptResult } from './schema.ts';
import { suppressAddresses, type SuppressingOutcome } from './suppress.ts';

/** What a worker has to say at the end of its work on a message. */
export interface MessageRecord {
  readonly messageId: string;
  readonly attempt: number;
  readonly status: Extract<MessageStatus, 'deferred' | 'gave_up' | 'skipped' | 'sent' | 'bounced'>;
  readonly reason: string | null;
  /** Of a deferred message: when it is due again. */
  readonly retryAfterSeconds: number;
  readonly countsAsFailure: boolean;
  readonly accountId: string | null;
  /** Null when nothing was handed to a provider: the attempt was only a look. */
  readonly result: AttemptResult | null;
  readonly code: string | null;
  readonly reply: string | null;
  readonly providerMessageId: string | null;
  /** Why the address gets nothing more, where it refused the message itself. */
  readonly suppresses?: SuppressionCause | null;
}

const eventOf = (record: MessageRecord): AccountEventType | null => {
  switch (record.status) {
    case 'sent':
      return 'VERIFICATION_EMAIL_SENT';
    case 'bounced':
    case 'gave_up':
      return 'VERIFICATION_EMAIL_FAILED';
    case 'deferred':
    case 'skipped':
      return null;
  }
};

const publicOf = (record: MessageRecord): string | null => {
  const event = eventOf(record);
  if (event === null) return null;
  return event === 'VERIFICATION_EMAIL_SENT' ? 'SENT' : 'FAILED';
};

/**
 * Records many outcomes in one statement: the attempt, the message, the token's lifetime counted from
 * the hand-over, the account's status where this is the message it speaks of, and the account's event.
 * Only the holder of the fence writes, with one exception: `sent` is evidence, not permission, and is
 * taken from a stale holder too. Nothing moves a message back in rank: a webhook may have been faster.
 * Where an address has refused its message for good it is suppressed in the same transaction, by a second
 * statement; `suppressDays` says for how long (`hardBounceDays`).
 */
export const recordMessages = async (
  db: Database,
  batch: readonly MessageRecord[],
  suppressDays: readonly number[] = hardBounceDays(hardBounceDaysDefault),
): Promise<void> => {
  const suppressing = batch.flatMap((record): SuppressingOutcome[] =>
    record.suppresses
      ? [{ messageId: record.messageId, cause: record.suppresses, detail: record.reply ?? record.code }]
      : [],
  );
  if (suppressing.length === 0) return writeRecords(db, batch);
  await db.transaction().execute(async (tx) => {
    await writeRecords(tx, batch);
    await suppressAddresses(tx, 'hand_over', suppressing, suppressDays);
  });
};

const writeRecords = async (db: Database, batch: readonly MessageRecord[]): Promise<void> => {
  // Rows are locked in the order of their ids by every batch, so that batches do not deadlock.
  const records = batch.toSorted((a, b) => (a.messageId < b.messageId ? -1 : 1));
  await sql`
    WITH record AS (
      SELECT * FROM unnest(
        ${records.map((r) => r.messageId)}::uuid[], ${records.map((r) => r.attempt)}::int[],
        ${records.map((r) => r.status)}::text[], ${records.map((r) => r.reason)}::text[],
        ${records.map((r) => r.retryAfterSeconds)}::float8[], ${records.map((r) => r.countsAsFailure)}::boolean[],
        ${records.map((r) => r.result)}::text[], ${records.map((r) => r.code)}::text[],
        ${records.map((r) => r.reply)}::text[], ${records.map((r) => r.providerMessageId)}::text[],
        ${records.map(eventOf)}::text[], ${records.map(publicOf)}::text[], ${records.map((r) => r.accountId)}::uuid[]
      ) AS r (message_id, attempt, status, reason, retry_after_seconds, counts, result, code, reply,
              provider_message_id, event, public_status, account_id)),
    finished AS (
      UPDATE attempts a SET finished_at = clock_timestamp(), result = r.result, code = r.code, reply = r.reply
        FROM record r
       WHERE a.message_id = r.message_id AND a.number = r.attempt AND r.result IS NOT NULL AND a.result IS NULL),
    moved AS (
      UPDATE messages m
         SET status = r.status, reason = r.reason, lease_until = NULL,
             sealed = CASE WHEN status_rank(r.status) < 40 THEN m.sealed END,
             failures = m.failures + r.counts::int,
             next_at = now() + make_interval(secs => r.retry_after_seconds),
             -- Unless the account was deleted while its mail was handed over.
             account_id = (SELECT a.id FROM accounts a WHERE a.id = coalesce(r.account_id, m.account_id)),
             provider_message_id = coalesce(r.provider_message_id, m.provider_message_id),
             sent_at = CASE WHEN r.status = 'sent' THEN now() ELSE m.sent_at END,
             settled_at = CASE WHEN status_rank(r.status) >= 40 THEN now() END
        FROM record r
       WHERE m.id = r.message_id AND (m.attempt = r.attempt OR r.status = 'sent')
         AND (m.rank + 0 < status_rank(r.status) OR (r.status = 'deferred' AND m.rank + 0 = 10))
      RETURNING m.id, m.seq, m.channel, m.account_id, m.settled_at, r.event, r.public_status,
                -- A notice says nothing about the verification of its account.
                starts_with(r.reason, 'notice_') AS is_notice),
    lifetime AS (
      UPDATE verifications v
         SET expires_at = now() + make_interval(secs => v.ttl_seconds), nonce = NULL,
             code_expires_at = now() + make_interval(secs => v.code_ttl_seconds)
        FROM moved WHERE v.message_id = moved.id AND moved.public_status = 'SENT'),
    -- Settled by the holder of the fence. Those sent are above: one statement can update a row only once.
    forgotten AS (
      UPDATE verifications v SET nonce = NULL
        FROM moved
       WHERE v.message_id = moved.id AND moved.settled_at IS NOT NULL AND moved.public_status IS DISTINCT FROM 'SENT'
         AND v.nonce IS NOT NULL),
    account AS (
      UPDATE accounts a
         SET verification_email_status = moved.public_status, verification_message_seq = moved.seq
        FROM (SELECT DISTINCT ON (account_id) * FROM moved WHERE public_status IS NOT NULL AND channel = 'email' AND is_notice IS NOT TRUE
               ORDER BY account_id, seq DESC) moved
       WHERE a.id = moved.account_id
         AND coalesce(a.verification_message_seq, 0) <= moved.seq)
    INSERT INTO account_events (account_id, type, detail)
    SELECT account_id, CASE channel WHEN 'sms' THEN replace(event, '_EMAIL_', '_SMS_') ELSE event END,
           jsonb_build_object('messageId', id)
      FROM moved WHERE event IS NOT NULL AND account_id IS NOT NULL AND is_notice IS NOT TRUE`.execute(db);
};

/** Gives messages back untouched (a stop of the worker): due at once, and no attempt of theirs was used up. */
export const giveBackMessages = async (
  db: Database,
  held: readonly { readonly id: string; readonly attempt: number }[],
): Promise<void> => {
  await sql`
    WITH held AS (
      SELECT * FROM unnest(${held.map((h) => h.id)}::uuid[], ${held.map((h) => h.attempt)}::int[]) AS h (id, attempt)),
    finished AS (
      UPDATE attempts a SET finished_at = clock_timestamp(), result = 'given_back'
        FROM held WHERE a.message_id = held.id AND a.number = held.attempt AND a.result IS NULL)
    UPDATE messages m SET status = 'deferred', lease_until = NULL, next_at = now(), rung_at = NULL
      FROM held WHERE m.id = held.id AND m.attempt = held.attempt AND m.lease_until IS NOT NULL`.execute(db);
};
