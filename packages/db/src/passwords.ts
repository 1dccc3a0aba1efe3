import { sql } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Channel } from '@reconfirm/core/destination';
import type { Database } from './database.ts';
import { endSessions } from './sessions.ts';

/** What signing in by password needs to know of an account. */
export interface Credentials {
  readonly accountId: string;
  /** PHC string; null for an account that never set one. */
  readonly passwordHash: string | null;
  readonly status: AccountStatus;
  /** Whether the address that it signs in with was proved. */
  readonly isVerified: boolean;
}

/** The credentials behind an address key, if any account has it. One statement, whether one does or not. */
export const findCredentials = async (
  db: Database,
  organizationId: string,
  channel: Channel,
  addressKey: Uint8Array,
): Promise<Credentials | undefined> => {
  const [keyColumn, provedColumn] =
    channel === 'sms'
      ? (['phone_key', 'phone_verified_at'] as const)
      : (['email_key', 'verified_at'] as const);
  const row = await db
    .selectFrom('accounts')
    .select(['id', 'password_hash', 'status', `${provedColumn} as proved_at`])
    .where('organization_id', '=', organizationId)
    .where(keyColumn, '=', Buffer.from(addressKey))
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : {
        accountId: row.id,
        passwordHash: row.password_hash,
        status: row.status,
        isVerified: row.proved_at !== null,
      };
};

/**
 * Stores a new password, ends all sessions but the one to spare, and writes the event, all or nothing.
 * Undefined for an unknown account. The account's row is locked first: see `openSession`.
 */
export const storePassword = async (
  db: Database,
  accountId: string,
  passwordHash: string,
  spareSessionId: string | null,
): Promise<{ readonly endedSessions: number } | undefined> =>
  db.transaction().execute((tx) => writePassword(tx, accountId, passwordHash, spareSessionId));

/** The same within a transaction of the caller. */
export const writePassword = async (
  tx: Database,
  accountId: string,
  passwordHash: string,
  spareSessionId: string | null,
): Promise<{ readonly endedSessions: number } | undefined> => {
  const { numUpdatedRows } = await tx
    .updateTable('accounts')
    .set({ password_hash: passwordHash, updated_at: sql`now()` })
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return undefined;
  const endedSessions = await endSessions(tx, accountId, { allBut: spareSessionId }, 'password_changed');
  await tx
    .insertInto('account_events')
    .values({
      account_id: accountId,
      type: 'PASSWORD_CHANGED',
      detail: JSON.stringify({ endedSessions }),
    })
    .execute();
  return { endedSessions };
};
