import { sql } from 'kysely';
import type { Account, AccountStatus } from '@reconfirm/core/account';
import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Channel } from '@reconfirm/core/destination';
import { type LiveTokens, liveTokensMax } from '@reconfirm/core/live-tokens';
import type { Database } from './database.ts';

/** A message that this worker may work on until its lease ends, with all that deciding and sending needs. */
export interface ClaimedMessage {
  readonly id: string;
  /** The fence: later writes name it, so that a holder whose lease went to another changes nothing. */
  readonly attempt: number;
  readonly organizationId: string;
  readonly purpose: string;
  /** By which it was asked for: it says where its link leads. */
  readonly contract: string;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
  readonly failures: number;
  readonly lostLeases: number;
  readonly ageSeconds: number;
  /** Messages of the same subject that were accepted later; counted up to `liveTokensMax`. */
  readonly newerMessages: number;
  readonly account: Account | null;
  /** The change of an address that it belongs to; null for every other message. */
  readonly change: ClaimedChange | null;
  /** What is needed to send it to somebody without an account, sealed. */
  readonly sealed: Uint8Array | null;
  /** Whether the address got a notice about this subject within a day. */
  readonly noticedToday: boolean;
  /** What the token was first derived from; null before the first attempt. */
  readonly token: {
    readonly nonce: Uint8Array;
    readonly keyVersion: number;
    readonly hash: Uint8Array;
  } | null;
}

export interface ClaimedChange {
  readonly side: ChangeSide;
  readonly newAddress: string;
  readonly oldAddress: string | null;
  /** Neither completed nor cancelled nor lapsed. */
  readonly isOpen: boolean;
}

interface ClaimedRow {
  id: string;
  attempt: number;
  organization_id: string;
  purpose: string;
  contract: string;
  locale: string | null;
  redirect_url: string | null;
  failures: number;
  lost_leases: number;
  age_seconds: number;
  newer_messages: number;
  side: ChangeSide | null;
  new_address: string;
  old_address: string | null;
  change_is_open: boolean;
  account_id: string | null;
  account_status: AccountStatus;
  account_email: string | null;
  account_phone: string | null;
  account_name: string | null;
  account_locale: string | null;
  account_redirect_url: string | null;
  sealed: Buffer | null;
  noticed_today: boolean;
  nonce: Buffer | null;
  key_version: number;
  token_hash: Buffer;
}

/**
 * Claims messages for `leaseSeconds`; only those of one channel, where one is named. Null, for each id in the order given, when there is nothing to
 * do: settled, not due yet, in another worker's hands, or unknown. At most one worker gets a message.
 *
 * `rank + 0 < 40`, and not `settled_at IS NULL`: that is the predicate of the partial index of due
 * messages, and with statistics from before a backlog the planner would walk all of it for every batch.
 * The sum hides the column from those statistics, by which hardly a row is below 40.
 */
export const claimMessages = async (
  db: Database,
  ids: readonly string[],
  leaseSeconds: number,
  channel?: Channel,
): Promise<readonly (ClaimedMessage | null)[]> => {
  const { rows } = await sql<ClaimedRow>`
    WITH claimed AS (
      UPDATE messages m
         SET status = 'sending', attempt = m.attempt + 1,
             lost_leases = m.lost_leases + (m.lease_until IS NOT NULL)::int,
             lease_until = now() + make_interval(secs => ${leaseSeconds}),
             -- An operator's test says nothing about the account that happens to have its address.
             account_id = CASE WHEN m.change_id IS NOT NULL OR m.purpose IN ('test', 'test_sms') THEN m.account_id
               WHEN m.channel = 'sms' THEN coalesce((SELECT a.id FROM accounts a
                 WHERE a.organization_id = m.organization_id AND a.phone_key = m.address_key), m.account_id)
               ELSE coalesce((SELECT a.id FROM accounts a
                 WHERE a.organization_id = m.organization_id AND a.email_key = m.address_key), m.account_id) END
       WHERE m.id = ANY (${ids.toSorted()}::uuid[]) AND m.rank + 0 < 40${channel === undefined ? sql`` : sql` AND m.channel = ${channel}`}
         AND (m.lease_until IS NULL OR m.lease_until < now()) AND m.next_at <= now()
      RETURNING m.*)
    SELECT c.id, c.attempt, c.organization_id, c.purpose, c.contract, c.locale, c.redirect_url, c.failures, c.lost_leases,
           extract(epoch FROM now() - c.accepted_at)::float8 AS age_seconds,
           (SELECT count(*)::int FROM (
              SELECT FROM messages newer WHERE newer.subject_key = c.subject_key AND newer.seq > c.seq
               LIMIT ${sql.lit(liveTokensMax)}) counted) AS newer_messages,
           c.side, change.new_address, change.old_address,
           change.completed_at IS NULL AND change.cancelled_at IS NULL AND change.expires_at > now() AS change_is_open,
           a.id AS account_id, a.status AS account_status, a.email AS account_email, a.phone AS account_phone,
           a.name AS account_name, a.locale AS account_locale, a.redirect_url AS account_redirect_url,
           c.sealed,
           EXISTS (SELECT FROM messages noticed
             WHERE noticed.subject_key = c.subject_key AND noticed.seq < c.seq AND starts_with(noticed.reason, 'notice_')
               AND noticed.sent_at > now() - interval '1 day') AS noticed_today,
           v.nonce, v.key_version, v.token_hash
      FROM claimed c
      LEFT JOIN accounts a ON a.id = c.account_id
      LEFT JOIN contact_changes change ON change.id = c.change_id
      LEFT JOIN verifications v ON v.message_id = c.id`.execute(db);
  const byId = new Map(rows.map((row) => [row.id, toClaimed(row)]));
  return ids.map((id) => {
    const claimed = byId.get(id) ?? null;
    // Two jobs of one message can meet in one batch; the message goes to the first of them only.
    byId.delete(id);
    return claimed;
  });
};

const toClaimed = (row: ClaimedRow): ClaimedMessage => ({
  id: row.id,
  attempt: row.attempt,
  organizationId: row.organization_id,
  purpose: row.purpose,
  contract: row.contract,
  locale: row.locale,
  redirectUrl: row.redirect_url,
  failures: row.failures,
  lostLeases: row.lost_leases,
  ageSeconds: row.age_seconds,
  newerMessages: row.newer_messages,
  account:
    row.account_id === null
      ? null
      : {
          id: row.account_id,
          status: row.account_status,
          email: row.account_email,
          phone: row.account_phone,
          name: row.account_name,
          locale: row.account_locale,
          redirectUrl: row.account_redirect_url,
        },
  change:
    row.side === null
      ? null
      : {
          side: row.side,
          newAddress: row.new_address,
          oldAddress: row.old_address,
          isOpen: row.change_is_open,
        },
  sealed: row.sealed,
  noticedToday: row.noticed_today,
  token: row.nonce === null ? null : { nonce: row.nonce, keyVersion: row.key_version, hash: row.token_hash },
});

/** Keeps messages in this worker's hands. A message whose fence has moved on is left alone. */
export const renewLeases = async (
  db: Database,
  held: readonly { readonly id: string; readonly attempt: number }[],
  leaseSeconds: number,
): Promise<void> => {
  // Rows are locked in the order of their ids by every batch, so that batches do not deadlock.
  const inOrder = held.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await sql`
    UPDATE messages m SET lease_until = now() + make_interval(secs => ${leaseSeconds})
      FROM unnest(${inOrder.map((h) => h.id)}::uuid[], ${inOrder.map((h) => h.attempt)}::int[]) AS held (id, attempt)
     WHERE m.id = held.id AND m.attempt = held.attempt AND m.lease_until IS NOT NULL`.execute(db);
};

const bytes = (value: Uint8Array | undefined): Buffer | null =>
  value === undefined ? null : Buffer.from(value);

/** What is about to be sent. The attempt row commits before the first byte goes to a provider. */
export interface AttemptStart {
  readonly messageId: string;
  readonly attempt: number;
  /** Null for a message to somebody without an account. */
  readonly accountId: string | null;
  readonly provider: string;
  /** What its recipient counts under in numbers (`recipientDomainOf`); left out for an SMS. */
  readonly recipientDomain?: string | null;
  readonly worker: string;
  /** Null for a message that proves nothing: a notice, or one whose credential another system made. */
  readonly credential: StartedCredential | null;
}

export interface StartedCredential {
  readonly tokenHash: Uint8Array;
  readonly nonce: Uint8Array;
  readonly keyVersion: number;
  readonly ttlSeconds: number;
  /** Null for a message without a code. */
  readonly code: { readonly hash: Uint8Array; readonly ttlSeconds: number } | null;
  readonly liveTokens: LiveTokens;
}

/**
 * Records that attempts begin: the attempt row, the verification with the token's hash (made once,
 * its lifetime restarted), and on the account that this message is now the one its status speaks of,
 * with the redirect URL that came with the request (in GoTrue's contract a redirect is of its request only). Provider `none` makes the token and no attempt.
 * True for each start, in the order given, whose fence still holds and whose token is the stored one;
 * the others must not be sent. The messages are locked first, so a fence that moves has moved before.
 */
export const beginAttempts = async (
  db: Database,
  starts: readonly AttemptStart[],
): Promise<readonly boolean[]> => {
  const { rows } = await sql<{ message_id: string; attempt: number }>`
    WITH held AS (
      SELECT m.id, m.attempt, m.seq, m.channel, CASE WHEN m.purpose = 'signup' AND m.contract <> 'gotrue' THEN m.redirect_url END AS redirect_url
        FROM messages m
       WHERE m.id = ANY (${starts.map((s) => s.messageId)}::uuid[]) AND m.lease_until IS NOT NULL
       ORDER BY m.id FOR UPDATE),
    start AS (
      SELECT s.*, m.seq, m.channel, m.redirect_url
        FROM unnest(
          ${starts.map((s) => s.messageId)}::uuid[], ${starts.map((s) => s.attempt)}::int[],
          ${starts.map((s) => s.accountId)}::uuid[], ${starts.map((s) => s.provider)}::text[],
          ${starts.map((s) => s.worker)}::text[],
          ${starts.map((s) => bytes(s.credential?.tokenHash))}::bytea[],
          ${starts.map((s) => bytes(s.credential?.nonce))}::bytea[],
          ${starts.map((s) => s.credential?.keyVersion ?? null)}::int[],
          ${starts.map((s) => s.credential?.ttlSeconds ?? null)}::int[],
          ${starts.map((s) => bytes(s.credential?.code?.hash))}::bytea[],
          ${starts.map((s) => s.credential?.code?.ttlSeconds ?? null)}::int[],
          ${starts.map((s) => s.credential?.liveTokens.newest ?? null)}::int[],
          ${starts.map((s) => s.credential?.liveTokens.supersededWhen ?? null)}::text[],
          ${starts.map((s) => s.recipientDomain ?? null)}::text[]
        ) AS s (message_id, attempt, account_id, provider, worker, token_hash, nonce, key_version, ttl_seconds,
                code_hash, code_ttl_seconds, live_newest, superseded_when, recipient_domain)
        JOIN held m ON m.id = s.message_id AND m.attempt = s.attempt),
    verified AS (
      INSERT INTO verifications (message_id, account_id, token_hash, nonce, key_version, ttl_seconds, expires_at,
                                 code_hash, code_ttl_seconds, code_expires_at, live_newest, superseded_when)
      SELECT message_id, account_id, token_hash, nonce, key_version, ttl_seconds,
             now() + make_interval(secs => ttl_seconds), code_hash, code_ttl_seconds,
             now() + make_interval(secs => code_ttl_seconds), live_newest, superseded_when
        FROM start WHERE token_hash IS NOT NULL
      ON CONFLICT (message_id) DO UPDATE
         SET expires_at = excluded.expires_at, ttl_seconds = excluded.ttl_seconds,
             code_expires_at = excluded.code_expires_at, code_ttl_seconds = excluded.code_ttl_seconds
      RETURNING message_id, token_hash),
    owned AS (
      UPDATE messages m SET provider = start.provider, recipient_domain = start.recipient_domain
        FROM start WHERE m.id = start.message_id),
    newest AS (
      UPDATE accounts a
         SET verification_message_seq = start.seq,
             verification_email_status =
               CASE WHEN a.verification_message_seq = start.seq THEN a.verification_email_status END,
             redirect_url = coalesce(start.redirect_url, a.redirect_url)
        FROM (SELECT DISTINCT ON (account_id) * FROM start WHERE channel = 'email' AND token_hash IS NOT NULL ORDER BY account_id, seq DESC) start
       WHERE a.id = start.account_id AND coalesce(a.verification_message_seq, 0) <= start.seq),
    attempted AS (
      INSERT INTO attempts (message_id, number, provider, worker)
      SELECT message_id, attempt, provider, worker FROM start WHERE provider <> 'none')
    SELECT start.message_id, start.attempt FROM start
      LEFT JOIN verified USING (message_id)
     WHERE start.token_hash IS NULL OR verified.token_hash = start.token_hash`.execute(db);
  // By the attempt: a stale start of a message may stand in the same batch as the one that holds.
  const begun = new Map(rows.map((row) => [row.message_id, row.attempt]));
  return starts.map((s) => begun.get(s.messageId) === s.attempt);
};
