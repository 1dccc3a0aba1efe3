import { sql } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Database } from './database.ts';

/** What a token is worth right now. `live` may be consumed; the others are reasons why not. */
export type TokenState = 'live' | 'consumed' | 'expired' | 'superseded' | 'suspended' | 'unknown';

export interface TokenFacts {
  readonly state: TokenState;
  /** Null for an unknown token only. */
  readonly email: string | null;
}

/**
 * A token is live while it has not expired, was not used, and no newer message of its subject has
 * been accepted. The last condition is read here and nowhere written: accepting the newer message
 * ended the older token in the same commit.
 */
const newerMessageExists = sql`EXISTS (
  SELECT FROM messages newer WHERE newer.subject_key = m.subject_key AND newer.seq > m.seq)`;

/** Reads what a token is worth and changes nothing, however often it is asked. */
export const readToken = async (db: Database, tokenHash: Uint8Array): Promise<TokenFacts> => {
  const { rows } = await sql<{
    consumed: boolean;
    expired: boolean;
    superseded: boolean;
    status: AccountStatus;
    email: string;
  }>`
    SELECT v.consumed_at IS NOT NULL AS consumed, v.expires_at <= now() AS expired,
           ${newerMessageExists} AS superseded, a.status, a.email
      FROM verifications v
      JOIN messages m ON m.id = v.message_id
      JOIN accounts a ON a.id = v.account_id
     WHERE v.token_hash = ${Buffer.from(tokenHash)}`.execute(db);
  const row = rows[0];
  if (row === undefined) return { state: 'unknown', email: null };
  return { state: stateOf(row), email: row.email };
};

const stateOf = (row: {
  consumed: boolean;
  expired: boolean;
  superseded: boolean;
  status: AccountStatus;
}): TokenState => {
  if (row.expired) return 'expired';
  if (row.consumed) return 'consumed';
  if (row.superseded) return 'superseded';
  return row.status === 'suspended' ? 'suspended' : 'live';
};

/**
 * Uses a token up and marks its account's address as proved, in one conditional statement: of any
 * number of parallel calls one changes the state, and every call gets the state it may rely on. A
 * token that was used before and has not expired yet answers `consumed`, which is a success.
 */
export const consumeToken = async (db: Database, tokenHash: Uint8Array): Promise<TokenFacts> => {
  const { rows } = await sql<{ email: string }>`
    WITH consumed AS (
      UPDATE verifications v SET consumed_at = now()
        FROM messages m, accounts a
       WHERE v.token_hash = ${Buffer.from(tokenHash)} AND m.id = v.message_id AND a.id = v.account_id
         AND v.consumed_at IS NULL AND v.expires_at > now() AND a.status <> 'suspended'
         AND NOT ${newerMessageExists}
      RETURNING v.account_id, v.message_id),
    verified AS (
      UPDATE accounts a
         SET status = CASE WHEN a.status = 'pending' THEN 'active' ELSE a.status END,
             verified_at = coalesce(a.verified_at, now())
        FROM consumed WHERE a.id = consumed.account_id
      RETURNING a.id, a.email),
    event AS (
      INSERT INTO account_events (account_id, type, detail)
      SELECT account_id, 'EMAIL_VERIFIED', jsonb_build_object('by', 'link', 'messageId', message_id) FROM consumed)
    SELECT email FROM verified`.execute(db);
  const row = rows[0];
  if (row !== undefined) return { state: 'live', email: row.email };
  return readToken(db, tokenHash);
};
