import { sql } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Database } from './database.ts';
import type { SessionFacts } from './sessions.ts';

/** A refresh token that was shown, and the successor that it gets if it may have one. */
export interface Rotation {
  readonly presentedHash: Uint8Array;
  /** What the successor is made of, together with the token that was shown. */
  readonly nonce: Uint8Array;
  readonly successorHash: Uint8Array;
  readonly ttlDays: number;
  /** How long after its use a token gets its successor again, as long as nobody has used that. */
  readonly graceSeconds: number;
}

export type RotationOutcome =
  /** `nonce`: of the one successor, which an earlier call may have made. */
  | { readonly kind: 'refreshed'; readonly nonce: Uint8Array; readonly facts: SessionFacts }
  | { readonly kind: 'reused'; readonly sessionId: string; readonly accountId: string }
  | { readonly kind: 'unknown' | 'expired' | 'ended' | 'suspended' };

/**
 * Uses a refresh token up for its one successor: of any number of parallel calls one rotates, and those
 * within the grace get the same successor. Later than that, or once the successor was used, the same token
 * ends its session. The session's row is locked first, so that all calls of one family go one by one.
 */
export const rotateRefreshToken = async (db: Database, rotation: Rotation): Promise<RotationOutcome> =>
  db.transaction().execute(async (tx) => {
    await lockSession(tx, rotation);
    const token = await readToken(tx, rotation);
    if (token === undefined) return { kind: 'unknown' };
    if (token.has_ended) return { kind: 'ended' };
    if (token.is_used && !token.is_in_grace) {
      await endFamily(tx, token.session_id);
      return { kind: 'reused', sessionId: token.session_id, accountId: token.account_id };
    }
    if (token.status === 'suspended') return { kind: 'suspended' };
    if (token.is_used && token.successor_nonce !== null)
      return { kind: 'refreshed', nonce: token.successor_nonce, facts: factsOf(token) };
    if (token.has_expired) return { kind: 'expired' };
    await rotate(tx, rotation, token);
    return { kind: 'refreshed', nonce: rotation.nonce, facts: factsOf(token) };
  });

interface TokenRow {
  session_id: string;
  account_id: string;
  parent_hash: Buffer | null;
  successor_nonce: Buffer | null;
  is_used: boolean;
  is_in_grace: boolean;
  has_expired: boolean;
  has_ended: boolean;
  status: AccountStatus;
  organization_id: string;
  is_admin: boolean;
  email: string | null;
  email_verified: boolean;
  phone: string | null;
  phone_verified: boolean;
  now: Date;
}

const lockSession = async (tx: Database, { presentedHash }: Rotation): Promise<void> => {
  await sql`
    SELECT FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
     WHERE t.token_hash = ${Buffer.from(presentedHash)} FOR UPDATE OF s`.execute(tx);
};

/** A statement of its own, after the lock: it sees what the holder before us wrote. */
const readToken = async (tx: Database, rotation: Rotation): Promise<TokenRow | undefined> => {
  const { rows } = await sql<TokenRow>`
    SELECT t.session_id, s.account_id, t.parent_hash, t.successor_nonce,
           t.used_at IS NOT NULL AS is_used,
           t.successor_nonce IS NOT NULL
             AND t.used_at > statement_timestamp() - make_interval(secs => ${rotation.graceSeconds}) AS is_in_grace,
           t.expires_at <= now() AS has_expired, s.ended_at IS NOT NULL AS has_ended,
           a.status, a.organization_id, a.is_admin,
           a.email, a.email IS NOT NULL AND a.verified_at IS NOT NULL AS email_verified,
           a.phone, a.phone IS NOT NULL AND a.phone_verified_at IS NOT NULL AS phone_verified,
           statement_timestamp() AS now
      FROM refresh_tokens t
      JOIN sessions s ON s.id = t.session_id
      JOIN accounts a ON a.id = s.account_id
     WHERE t.token_hash = ${Buffer.from(rotation.presentedHash)}`.execute(tx);
  return rows[0];
};

const endFamily = async (tx: Database, sessionId: string): Promise<void> => {
  await tx
    .updateTable('sessions')
    .set({ ended_at: sql`now()`, ended_by: 'token_reused' })
    .where('id', '=', sessionId)
    .execute();
};

const rotate = async (tx: Database, rotation: Rotation, token: TokenRow): Promise<void> => {
  const presentedHash = Buffer.from(rotation.presentedHash);
  const expiresAt = sql<Date>`now() + make_interval(days => ${rotation.ttlDays})`;
  await tx
    .updateTable('refresh_tokens')
    .set({ used_at: sql`statement_timestamp()`, successor_nonce: Buffer.from(rotation.nonce) })
    .where('token_hash', '=', presentedHash)
    .execute();
  // Its parent's grace is over, and nobody can make this token again.
  if (token.parent_hash !== null)
    await tx
      .updateTable('refresh_tokens')
      .set({ successor_nonce: null })
      .where('token_hash', '=', token.parent_hash)
      .execute();
  await tx
    .insertInto('refresh_tokens')
    .values({
      token_hash: Buffer.from(rotation.successorHash),
      session_id: token.session_id,
      parent_hash: presentedHash,
      expires_at: expiresAt,
    })
    .execute();
  await tx
    .updateTable('sessions')
    .set({ refreshed_at: sql`now()`, expires_at: sql`greatest(expires_at, ${expiresAt})` })
    .where('id', '=', token.session_id)
    .execute();
};

const factsOf = (row: TokenRow): SessionFacts => ({
  sessionId: row.session_id,
  accountId: row.account_id,
  organizationId: row.organization_id,
  isAdmin: row.is_admin,
  email: row.email,
  emailVerified: row.email_verified,
  phone: row.phone,
  phoneVerified: row.phone_verified,
  now: row.now,
});
