import type { AccountStatus } from '@reconfirm/core/account';
import { administeringStatuses, isLastAdministrator, reactivatedStatus } from '@reconfirm/core/administrator';
import { sql } from 'kysely';
import { cancelMessages, subjectKeysOf } from './cancel-messages.ts';
import type { Database } from './database.ts';
import { lockMessagesOf } from './lock-order.ts';
import type { AccountEventType, AccountRow } from './schema.ts';

/** An account as its organization's administrators and its owner see it. */
export interface UserDetails {
  readonly id: string;
  readonly organizationId: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly isAdmin: boolean;
  readonly status: AccountStatus;
  /** When the e-mail address was proved. */
  readonly verifiedAt: Date | null;
  readonly hasPassword: boolean;
  readonly lastSignedInAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const userOf = (row: AccountRow): UserDetails => ({
  id: row.id,
  organizationId: row.organization_id,
  email: row.email,
  name: row.name,
  isAdmin: row.is_admin,
  status: row.status,
  verifiedAt: row.verified_at,
  hasPassword: row.password_hash !== null,
  lastSignedInAt: row.last_signed_in_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** A user of one organization; undefined for an id of another one. */
export const findUser = async (
  db: Database,
  organizationId: string,
  id: string,
): Promise<UserDetails | undefined> => {
  const row = await db
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .executeTakeFirst();
  return row === undefined ? undefined : userOf(row);
};

/** Users of an organization in the order in which they came, a page at a time. */
export const listUsers = async (
  db: Database,
  organizationId: string,
  page: { readonly afterId: string | null; readonly limit: number },
): Promise<readonly UserDetails[]> => {
  let query = db
    .selectFrom('accounts')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('id')
    .limit(page.limit);
  if (page.afterId !== null) query = query.where('id', '>', page.afterId);
  return (await query.execute()).map(userOf);
};

/**
 * Changes of who belongs to an organization go one after the other, so that two of them cannot each believe
 * that the other administrator stays, or that a seat is left. Registrations do not wait for it.
 */
export const lockOrganization = async (tx: Database, organizationId: string): Promise<void> => {
  await sql`SELECT FROM organizations WHERE id = ${organizationId} FOR NO KEY UPDATE`.execute(tx);
};

const countOtherAdministrators = async (
  tx: Database,
  organizationId: string,
  userId: string,
): Promise<number> => {
  const { count } = await tx
    .selectFrom('accounts')
    .select((of) => of.fn.countAll<string>().as('count'))
    .where('organization_id', '=', organizationId)
    .where('id', '<>', userId)
    .where('is_admin', '=', true)
    .where('status', 'in', [...administeringStatuses])
    .executeTakeFirstOrThrow();
  return Number(count);
};

const lockUser = async (
  tx: Database,
  organizationId: string,
  id: string,
): Promise<{ readonly row: AccountRow; readonly isLastAdministrator: boolean } | undefined> => {
  const row = await tx
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const others = row.is_admin ? await countOtherAdministrators(tx, organizationId, id) : 0;
  return {
    row,
    isLastAdministrator: isLastAdministrator({ isAdmin: row.is_admin, status: row.status }, others),
  };
};

export interface UserChange {
  readonly name?: string;
  readonly isAdmin?: boolean;
  readonly isActive?: boolean;
}

export type ChangeUserOutcome =
  | { readonly kind: 'changed'; readonly user: UserDetails }
  | { readonly kind: 'unknown' }
  /** Nothing was changed: nobody would be left who can administer the organization. */
  | { readonly kind: 'last_admin'; readonly wanted: 'demote' | 'deactivate' };

/** Changes a user, and writes what an auditor asks for, all or nothing. */
export const changeUser = async (
  db: Database,
  at: { readonly organizationId: string; readonly id: string; readonly by: string },
  change: UserChange,
): Promise<ChangeUserOutcome> =>
  db.transaction().execute(async (tx) => {
    await lockOrganization(tx, at.organizationId);
    const locked = await lockUser(tx, at.organizationId, at.id);
    if (locked === undefined) return { kind: 'unknown' };
    const { row } = locked;
    if (locked.isLastAdministrator && change.isAdmin === false)
      return { kind: 'last_admin', wanted: 'demote' };
    if (locked.isLastAdministrator && change.isActive === false)
      return { kind: 'last_admin', wanted: 'deactivate' };
    const status = statusAfter(row, change.isActive);
    const isAdmin = change.isAdmin ?? row.is_admin;
    const changed = await tx
      .updateTable('accounts')
      .set({ name: change.name ?? row.name, is_admin: isAdmin, status, updated_at: sql<Date>`now()` })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (status !== row.status)
      await tell(tx, row.id, 'STATUS_CHANGED', { from: row.status, to: status, by: at.by });
    if (isAdmin !== row.is_admin) await tell(tx, row.id, 'ROLE_CHANGED', { isAdmin, by: at.by });
    return { kind: 'changed', user: userOf(changed) };
  });

const statusAfter = (row: AccountRow, isActive: boolean | undefined): AccountStatus => {
  if (isActive === false) return 'suspended';
  if (isActive !== true || row.status !== 'suspended') return row.status;
  return reactivatedStatus({ hasProvedContact: row.verified_at !== null || row.phone_verified_at !== null });
};

export type DeleteUserOutcome = 'deleted' | 'unknown' | 'last_admin';

/**
 * Deletes a user with sessions, keys and tokens, and settles every message to its addresses that has not
 * been sent; the addresses are free at once. What was charged for an address stays charged.
 */
export const deleteUser = async (
  db: Database,
  organizationId: string,
  id: string,
): Promise<DeleteUserOutcome> =>
  db.transaction().execute(async (tx) => {
    await lockOrganization(tx, organizationId);
    const known = await tx
      .selectFrom('accounts')
      .select(['email_key', 'phone_key', 'status', 'is_admin'])
      .where('id', '=', id)
      .where('organization_id', '=', organizationId)
      .executeTakeFirst();
    if (known === undefined) return 'unknown';
    const others = await countOtherAdministrators(tx, organizationId, id);
    if (isLastAdministrator({ isAdmin: known.is_admin, status: known.status }, others)) return 'last_admin';
    const subjectKeys = subjectKeysOf([known.email_key, known.phone_key]);
    await lockMessagesOf(tx, [id], subjectKeys);
    await cancelMessages(tx, subjectKeys, 'account_deleted');
    await tx.deleteFrom('accounts').where('id', '=', id).execute();
    return 'deleted';
  });

export const tell = async (
  tx: Database,
  accountId: string,
  type: AccountEventType,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> => {
  await tx
    .insertInto('account_events')
    .values({ account_id: accountId, type, detail: JSON.stringify(detail) })
    .execute();
};
