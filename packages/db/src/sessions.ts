import { sql } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Database } from './database.ts';
import type { SessionEnd } from './schema.ts';

/** What the tokens of a session tell of its account, as it is now. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly accountId: string;
  readonly organizationId: string;
  readonly isAdmin: boolean;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly phone: string | null;
  readonly phoneVerified: boolean;
  /** The database's clock when it was written. */
  readonly now: Date;
}

interface FactsRow {
  session_id: string;
  account_id: string;
  organization_id: string;
  is_admin: boolean;
  email: string | null;
  verified_at: Date | null;
  phone: string | null;
  phone_verified_at: Date | null;
  now: Date;
}

const factsOf = (row: FactsRow): SessionFacts => ({
  sessionId: row.session_id,
  accountId: row.account_id,
  organizationId: row.organization_id,
  isAdmin: row.is_admin,
  email: row.email,
  emailVerified: row.email !== null && row.verified_at !== null,
  phone: row.phone,
  phoneVerified: row.phone !== null && row.phone_verified_at !== null,
  now: row.now,
});

/**
 * Opens a session with its first refresh token, all or nothing. Null when the account is gone or suspended,
 * or its password is no longer the one with `passwordHash`: whoever changes a password meanwhile holds the
 * account's row, so no session that the old one opened is left behind. Null as `passwordHash`: by other proof.
 */
export const openSession = async (
  db: Database,
  session: {
    readonly id: string;
    readonly accountId: string;
    readonly passwordHash: string | null;
    readonly refreshHash: Uint8Array;
    readonly ttlDays: number;
  },
): Promise<SessionFacts | null> => {
  const expiresAt = sql`now() + make_interval(days => ${session.ttlDays})`;
  const { rows } = await sql<FactsRow>`
    WITH account AS (
      UPDATE accounts SET last_signed_in_at = now()
       WHERE id = ${session.accountId} AND status <> 'suspended'
         AND (${session.passwordHash}::text IS NULL OR password_hash = ${session.passwordHash})
      RETURNING id, organization_id, is_admin, email, verified_at, phone, phone_verified_at),
    opened AS (
      INSERT INTO sessions (id, account_id, expires_at)
      SELECT ${session.id}::uuid, id, ${expiresAt} FROM account),
    token AS (
      INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
      SELECT ${Buffer.from(session.refreshHash)}::bytea, ${session.id}::uuid, ${expiresAt} FROM account)
    SELECT ${session.id} AS session_id, id AS account_id, organization_id, is_admin, email, verified_at,
           phone, phone_verified_at, now() AS now
      FROM account`.execute(db);
  return rows[0] === undefined ? null : factsOf(rows[0]);
};

/** What an access token's session is worth right now. */
export type SessionState =
  | { readonly state: 'live'; readonly organizationId: string; readonly isAdmin: boolean }
  | { readonly state: 'ended' | 'suspended' | 'unknown_account' };

export interface SessionReference {
  readonly sessionId: string;
  readonly accountId: string;
}

/** The states of many sessions in one statement, in the order given. */
export const readSessionStates = async (
  db: Database,
  references: readonly SessionReference[],
): Promise<readonly SessionState[]> => {
  const { rows } = await sql<{
    organization_id: string | null;
    status: AccountStatus | null;
    is_admin: boolean | null;
    is_live: boolean;
  }>`
    SELECT a.organization_id, a.status, a.is_admin,
           s.id IS NOT NULL AND s.ended_at IS NULL AND s.expires_at > now() AS is_live
      FROM unnest(${references.map((r) => r.sessionId)}::uuid[], ${references.map((r) => r.accountId)}::uuid[])
           WITH ORDINALITY AS wanted (session_id, account_id, position)
      LEFT JOIN accounts a ON a.id = wanted.account_id
      LEFT JOIN sessions s ON s.id = wanted.session_id AND s.account_id = wanted.account_id
     ORDER BY wanted.position`.execute(db);
  return rows.map((row) => {
    if (row.organization_id === null) return { state: 'unknown_account' };
    if (!row.is_live) return { state: 'ended' };
    if (row.status === 'suspended') return { state: 'suspended' };
    return { state: 'live', organizationId: row.organization_id, isAdmin: row.is_admin === true };
  });
};

/** The account that a foreign issuer's token speaks for. */
export interface ForeignSubject {
  readonly accountId: string;
  readonly organizationId: string;
  readonly isAdmin: boolean;
  readonly isSuspended: boolean;
}

/** By its id here, else by its address; within one organization only. */
export const findForeignSubject = async (
  db: Database,
  organizationId: string,
  wanted: { readonly accountId: string | null; readonly emailKey: Uint8Array | null },
): Promise<ForeignSubject | undefined> => {
  const emailKey = wanted.emailKey === null ? null : Buffer.from(wanted.emailKey);
  const { rows } = await sql<{ id: string; status: AccountStatus; is_admin: boolean }>`
    SELECT id, status, is_admin FROM accounts
     WHERE organization_id = ${organizationId}
       AND (id = ${wanted.accountId}::uuid OR email_key = ${emailKey}::bytea)
     ORDER BY id = ${wanted.accountId}::uuid DESC NULLS LAST LIMIT 1`.execute(db);
  const row = rows[0];
  return row === undefined
    ? undefined
    : { accountId: row.id, organizationId, isAdmin: row.is_admin, isSuspended: row.status === 'suspended' };
};

/** Ends sessions of one account that have not ended, and tells how many. Ending again changes nothing. */
export const endSessions = async (
  db: Database,
  accountId: string,
  which:
    | { readonly only: string }
    /** Null: there is none to spare. */
    | { readonly allBut: string | null },
  by: SessionEnd,
): Promise<number> => {
  const isMeant =
    'only' in which
      ? sql`id = ${which.only}::uuid`
      : which.allBut === null
        ? sql`true`
        : sql`id <> ${which.allBut}::uuid`;
  // In the order of their ids: two calls that end the same sessions never wait for each other in a circle.
  const { numAffectedRows } = await sql`
    UPDATE sessions SET ended_at = now(), ended_by = ${by} WHERE id IN (
      SELECT id FROM sessions
       WHERE account_id = ${accountId} AND ended_at IS NULL AND ${isMeant} ORDER BY id FOR UPDATE)`.execute(
    db,
  );
  return Number(numAffectedRows ?? 0n);
};
