import { type RawBuilder, sql } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import { liveTokensMax } from '@reconfirm/core/live-tokens';
import { findPurpose } from '@reconfirm/core/purposes/registry';
import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Database } from './database.ts';

/** What a token is worth right now. `live` may be consumed; the others are reasons why not. */
export type TokenState = 'live' | 'consumed' | 'expired' | 'superseded' | 'suspended' | 'unknown';

/** What is known of a token that was made. */
export interface KnownToken {
  readonly messageId: string;
  readonly organizationId: string;
  readonly accountId: string;
  readonly purpose: string;
  /** The account's address; null for an account with a phone number only. */
  readonly email: string | null;
  readonly redirectUrl: string | null;
  /** What the contract left with the request. */
  readonly context: Readonly<Record<string, unknown>> | null;
  readonly change: { readonly id: string; readonly side: ChangeSide } | null;
  /** Withdrawn by whoever had asked for it; such a token is `superseded`. */
  readonly isRevoked: boolean;
  /** Under which its codes are counted and found. */
  readonly subjectKey: Uint8Array;
}

export type TokenFacts =
  | ({ readonly state: Exclude<TokenState, 'unknown'> } & KnownToken)
  | { readonly state: 'unknown' };

/**
 * A token is live while it has not expired, was not used, and fewer newer messages of its subject count
 * than may stay live beside it. That is read here and nowhere written: accepting the newer message ended
 * the older token in the same commit. A token that was withdrawn, or sent to an address that the account
 * has left since, is no better.
 */
const isSuperseded = sql`(v.revoked_at IS NOT NULL
  OR (m.change_id IS NULL
      AND m.address_key IS DISTINCT FROM CASE m.channel WHEN 'sms' THEN a.phone_key ELSE a.email_key END)
  OR (
  SELECT count(*) FROM (
    SELECT FROM messages newer
     WHERE newer.subject_key = m.subject_key AND newer.seq > m.seq
       AND (v.superseded_when = 'accepted' OR newer.sent_at IS NOT NULL)
     LIMIT ${sql.lit(liveTokensMax)}) counted) >= v.live_newest)`;

/** Where several tokens of a subject live, using one of them ends the others. */
const siblingConsumed = sql`EXISTS (
  SELECT FROM messages sibling JOIN verifications used ON used.message_id = sibling.id
   WHERE sibling.subject_key = m.subject_key AND sibling.id <> m.id AND used.consumed_at >= m.accepted_at)`;

interface TokenRow {
  message_id: string;
  organization_id: string;
  account_id: string;
  purpose: string;
  email: string | null;
  redirect_url: string | null;
  context: Record<string, unknown> | null;
  change_id: string | null;
  side: ChangeSide | null;
  subject_key: Buffer;
  consumed: boolean;
  expired: boolean;
  superseded: boolean;
  sibling_consumed: boolean;
  account_status: AccountStatus;
  revoked: boolean;
}

/** How a token is presented: the link's own, or the message whose code was right. */
export type Presented =
  | { readonly by: 'link'; readonly tokenHash: Uint8Array }
  | { readonly by: 'code'; readonly messageId: string };

/** Which row of `verifications v` a token is. */
export const isPresented = (presented: Presented): RawBuilder<unknown> =>
  presented.by === 'link'
    ? sql`v.token_hash = ${Buffer.from(presented.tokenHash)}`
    : sql`v.message_id = ${presented.messageId}`;

/** Reads what a token is worth and changes nothing, however often it is asked. */
export const readToken = async (db: Database, presented: Presented): Promise<TokenFacts> => {
  const expiresAt = sql.ref(presented.by === 'link' ? 'v.expires_at' : 'v.code_expires_at');
  const { rows } = await sql<TokenRow>`
    SELECT m.id AS message_id, m.organization_id, a.id AS account_id, m.purpose, a.email, m.redirect_url,
           m.context, m.change_id, m.side, m.subject_key, a.status AS account_status,
           v.consumed_at IS NOT NULL AS consumed, v.revoked_at IS NOT NULL AS revoked, ${expiresAt} <= now() AS expired,
           ${isSuperseded} AS superseded, ${siblingConsumed} AS sibling_consumed
      FROM verifications v
      JOIN messages m ON m.id = v.message_id
      JOIN accounts a ON a.id = v.account_id
     WHERE ${isPresented(presented)}`.execute(db);
  const row = rows[0];
  if (row === undefined) return { state: 'unknown' };
  return { state: stateOf(row), ...knownOf(row) };
};

const knownOf = (row: TokenRow): KnownToken => ({
  messageId: row.message_id,
  organizationId: row.organization_id,
  accountId: row.account_id,
  purpose: row.purpose,
  email: row.email,
  redirectUrl: row.redirect_url,
  context: row.context,
  change: row.change_id === null || row.side === null ? null : { id: row.change_id, side: row.side },
  isRevoked: row.revoked,
  subjectKey: row.subject_key,
});

const stateOf = (row: TokenRow): Exclude<TokenState, 'unknown'> => {
  if (row.expired) return 'expired';
  if (row.consumed) return 'consumed';
  // Where nothing but an address is proved, it is proved by any of the messages: the person has succeeded.
  if (row.sibling_consumed)
    return findPurpose(row.purpose)?.opensSession === false ? 'consumed' : 'superseded';
  if (row.superseded) return 'superseded';
  return row.account_status === 'suspended' ? 'suspended' : 'live';
};
