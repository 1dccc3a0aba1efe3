import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Rows of one delete: small enough to hold no lock for long. */
const batchSize = 500;

/** Deletes one batch of what is past its time; true when the batch was full, so that there may be more. */
export type Forget = (db: Database, days: number) => Promise<boolean>;

const forget =
  (statement: (retentionDays: number) => ReturnType<typeof sql>): Forget =>
  async (db, retentionDays) => {
    const { numAffectedRows } = await statement(retentionDays).execute(db);
    return Number(numAffectedRows ?? 0n) >= batchSize;
  };

/**
 * What is past its time, by kind. Messages that are not settled, and those whose link still works (an invitation that was
 * extended), are never
 * touched, whatever their age.
 * Each statement finds its rows by an index of its own, so that finding nothing costs nothing at any size.
 */
export const forgetExpired = {
  messages: forget(
    (days) => sql`
      DELETE FROM messages WHERE id IN (
        SELECT id FROM messages m
         WHERE accepted_at < now() - make_interval(days => ${days}) AND settled_at IS NOT NULL
           -- Of the newest only: with a newer one forgotten, an older link must not come back to life.
           AND NOT EXISTS (
             SELECT FROM verifications v
              WHERE v.message_id = m.id AND v.consumed_at IS NULL AND v.revoked_at IS NULL AND v.expires_at > now()
                AND NOT EXISTS (SELECT FROM messages n WHERE n.subject_key = m.subject_key AND n.seq > m.seq))
         ORDER BY accepted_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /** Requests for people who turned out to be unknown go after a day. */
  unknownRequests: forget(
    () => sql`
      DELETE FROM messages WHERE id IN (
        SELECT id FROM messages
         WHERE reason IN ('unknown_account', 'notice_unknown_account') AND accepted_at < now() - interval '1 day' AND settled_at IS NOT NULL
         ORDER BY accepted_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /** Idempotency keys are kept for the day that they are promised for. */
  idempotencyKeys: forget(
    () => sql`
      UPDATE messages SET idempotency_key = NULL, request_hash = NULL WHERE id IN (
        SELECT id FROM messages
         WHERE idempotency_key IS NOT NULL AND accepted_at < now() - interval '1 day'
         ORDER BY accepted_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /**
   * A year after it ended, with what was noted of it: as long as one lasts at most, so that the next bounce
   * still doubles it. Those in force stay, whatever their age, and hold no address.
   */
  suppressions: forget(
    () => sql`
      DELETE FROM suppressions WHERE id IN (
        SELECT id FROM suppressions
         WHERE (lifted_at IS NOT NULL OR expires_at IS NOT NULL)
           AND coalesce(lifted_at, expires_at) < now() - interval '1 year'
         ORDER BY coalesce(lifted_at, expires_at) LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  limitCharges: forget(
    () => sql`
      DELETE FROM limit_charges WHERE (subject_key, charge_id) IN (
        SELECT subject_key, charge_id FROM limit_charges
         WHERE charged_at < now() - interval '1 day'
         ORDER BY charged_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /** No provider's answer, and no challenge of ours, is good for longer than minutes. */
  captchaAnswers: forget(
    () => sql`
      DELETE FROM captcha_answers WHERE answer_hash IN (
        SELECT answer_hash FROM captcha_answers
         WHERE accepted_at < now() - interval '1 hour'
         ORDER BY accepted_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  codeGuesses: forget(
    () => sql`
      DELETE FROM code_guesses WHERE subject_key IN (
        SELECT subject_key FROM code_guesses
         WHERE window_ends_at < now() ORDER BY window_ends_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  refreshTokens: forget(
    () => sql`
      DELETE FROM refresh_tokens WHERE token_hash IN (
        SELECT token_hash FROM refresh_tokens
         WHERE expires_at < now() ORDER BY expires_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /**
   * Sessions go when they would have expired, ended or not, and the days of retention are over. By then
   * their tokens have gone one by one: hundreds of them hang on a busy session, and would go with it.
   */
  sessions: forget(
    (days) => sql`
      DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
         WHERE expires_at < now() - make_interval(days => ${days})
         ORDER BY expires_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  smsSpend: forget(
    () => sql`
      DELETE FROM sms_spend WHERE (scope, bucket_seconds, bucket_at) IN (
        SELECT scope, bucket_seconds, bucket_at FROM sms_spend
         WHERE bucket_at < now() - interval '2 days' ORDER BY bucket_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  authCodes: forget(
    () => sql`
      DELETE FROM auth_codes WHERE code_hash IN (
        SELECT code_hash FROM auth_codes
         WHERE expires_at < now() - interval '1 hour' ORDER BY expires_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  deliveryEvents: forget(
    (days) => sql`
      DELETE FROM delivery_events WHERE id IN (
        SELECT id FROM delivery_events
         WHERE received_at < now() - make_interval(days => ${days})
         ORDER BY received_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /** With their deliveries and attempts, delivered or not: the last retry is a day after the event. */
  outgoingEvents: forget(
    (days) => sql`
      DELETE FROM outgoing_events WHERE id IN (
        SELECT id FROM outgoing_events
         WHERE occurred_at < now() - make_interval(days => ${days})
         ORDER BY occurred_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
  /** Reports of messages that are not ours: their message would have been known within minutes. */
  parkedEvents: forget(
    () => sql`
      DELETE FROM delivery_events WHERE id IN (
        SELECT id FROM delivery_events
         WHERE applied_at IS NULL AND received_at < now() - interval '1 day'
         ORDER BY received_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)`,
  ),
} as const satisfies Record<string, Forget>;
