import { sql } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Database } from './database.ts';

/** An account as its owner sees it. */
export interface AccountProfile {
  readonly id: string;
  readonly organizationId: string;
  readonly status: AccountStatus;
  readonly isAdmin: boolean;
  readonly email: string | null;
  readonly emailVerifiedAt: Date | null;
  readonly phone: string | null;
  readonly phoneVerifiedAt: Date | null;
  /** Where it is moving to; null while it is not. */
  readonly newEmail: string | null;
  readonly newPhone: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly passwordHash: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastSignedInAt: Date | null;
}

const pendingAddress = (channel: 'email' | 'sms') => sql<string | null>`(
  SELECT new_address FROM contact_changes c
   WHERE c.account_id = a.id AND c.channel = ${channel} AND c.completed_at IS NULL AND c.cancelled_at IS NULL
     AND c.expires_at > now())`;

/** Undefined for an unknown account. */
export const findAccountProfile = async (db: Database, id: string): Promise<AccountProfile | undefined> => {
  const row = await db
    .selectFrom('accounts as a')
    .selectAll('a')
    .select([pendingAddress('email').as('new_email'), pendingAddress('sms').as('new_phone')])
    .where('a.id', '=', id)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : {
        id: row.id,
        organizationId: row.organization_id,
        status: row.status,
        isAdmin: row.is_admin,
        email: row.email,
        emailVerifiedAt: row.verified_at,
        phone: row.phone,
        phoneVerifiedAt: row.phone_verified_at,
        newEmail: row.new_email,
        newPhone: row.new_phone,
        metadata: row.metadata,
        passwordHash: row.password_hash,
        createdAt: row.created_at,
        updatedAt: row.updated_at,
        lastSignedInAt: row.last_signed_in_at,
      };
};

/** Puts these members into what the caller keeps with the account; a member that is null is taken out. */
export const mergeMetadata = async (
  db: Database,
  accountId: string,
  members: Readonly<Record<string, unknown>>,
): Promise<void> => {
  const removed = Object.keys(members).filter((name) => members[name] === null);
  await sql`
    UPDATE accounts SET metadata = (metadata || ${JSON.stringify(members)}::jsonb) - ${removed}::text[], updated_at = now()
     WHERE id = ${accountId}`.execute(db);
};
