import { sql } from 'kysely';
import type { Account, AccountStatus } from '@reconfirm/core/account';
import type { PublicStatus } from '@reconfirm/core/message';
import { acceptMessages, type MessageRequest } from './accept-messages.ts';
import { type ChargeForgotten, chargedTransaction } from './charged-transaction.ts';
import type { Database } from './database.ts';
import { named } from './named-statements.ts';
import type { AccountEventType, AccountRow } from './schema.ts';

export interface NewAccount {
  readonly id: string;
  readonly organizationId: string;
  readonly email: string;
  readonly emailKey: Uint8Array;
  readonly name: string | null;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
}

export interface AccountDetails extends Account {
  readonly verificationEmailStatus: PublicStatus | null;
  readonly verifiedAt: Date | null;
  readonly createdAt: Date;
}

export interface AccountEvent {
  readonly id: string;
  readonly type: AccountEventType;
  readonly detail: Record<string, unknown>;
  readonly createdAt: Date;
}

const toDetails = (row: AccountRow): AccountDetails => ({
  id: row.id,
  status: row.status,
  email: row.email,
  phone: row.phone,
  name: row.name,
  locale: row.locale,
  redirectUrl: row.redirect_url,
  verificationEmailStatus: row.verification_email_status,
  verifiedAt: row.verified_at,
  createdAt: row.created_at,
});

/**
 * Creates an account with its first API key and its first message, all or nothing. Null when the
 * address is taken: then nothing was written.
 */
export const registerAccount = async (
  db: Database,
  account: NewAccount,
  apiKey: { readonly id: string; readonly secretHash: Uint8Array },
  message: MessageRequest,
): Promise<AccountDetails | null | ChargeForgotten> =>
  chargedTransaction(db, message.limitMemory, async (tx) => {
    const row = await tx
      .insertInto('accounts')
      .values({
        id: account.id,
        organization_id: account.organizationId,
        email: account.email,
        email_key: Buffer.from(account.emailKey),
        name: account.name,
        locale: account.locale,
        redirect_url: account.redirectUrl,
      })
      .onConflict((conflict) => conflict.columns(['organization_id', 'email_key']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return null;
    await tx
      .insertInto('api_keys')
      .values({ id: apiKey.id, account_id: row.id, secret_hash: Buffer.from(apiKey.secretHash) })
      .execute();
    await acceptMessages(tx, [message]);
    return toDetails(row);
  });

/** Where an account is looked for. */
export interface WantedAccount {
  readonly organizationId: string;
  readonly emailKey: Uint8Array;
}

/**
 * Status of the accounts behind many address keys, in the order given; null where there is none.
 * One statement for all, and the same statement whether an account exists or not.
 */
export const findAccountStatuses = async (
  db: Database,
  wanted: readonly WantedAccount[],
): Promise<readonly (AccountStatus | null)[]> => {
  const { rows } = await sql<{ status: AccountStatus | null }>`
    ${named('find_account_statuses')}
    SELECT (SELECT a.status FROM accounts a
             WHERE a.organization_id = wanted.organization_id AND a.email_key = wanted.email_key) AS status
      FROM unnest(${wanted.map((w) => w.organizationId)}::uuid[], ${wanted.map((w) => Buffer.from(w.emailKey))}::bytea[])
           WITH ORDINALITY AS wanted (organization_id, email_key, position)
     ORDER BY wanted.position`.execute(db);
  return rows.map((row) => row.status);
};

/** The account that an unrevoked API key belongs to; the caller compares nothing but the hash. */
export const findAccountByApiKey = async (
  db: Database,
  keyId: string,
  secretHash: Uint8Array,
): Promise<AccountDetails | undefined> => {
  const row = await db
    .selectFrom('api_keys')
    .innerJoin('accounts', 'accounts.id', 'api_keys.account_id')
    .selectAll('accounts')
    .where('api_keys.id', '=', keyId)
    .where('api_keys.secret_hash', '=', Buffer.from(secretHash))
    .where('api_keys.revoked_at', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : toDetails(row);
};

export const findAccount = async (db: Database, id: string): Promise<AccountDetails | undefined> => {
  const row = await db.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toDetails(row);
};

/** Everything that happened to an account, oldest first. */
export const listAccountEvents = async (
  db: Database,
  accountId: string,
): Promise<readonly AccountEvent[]> => {
  const rows = await db
    .selectFrom('account_events')
    .select(['id', 'type', 'detail', 'created_at'])
    .where('account_id', '=', accountId)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ id: row.id, type: row.type, detail: row.detail, createdAt: row.created_at }));
};

/** Marks an address as proved on an operator's word. Undefined for an unknown account; repeating changes nothing. */
export const verifyAccountByAdmin = async (db: Database, id: string): Promise<AccountDetails | undefined> => {
  await sql`
    WITH verified AS (
      UPDATE accounts SET status = 'active', verified_at = coalesce(verified_at, now())
       WHERE id = ${id} AND status = 'pending' RETURNING id)
    INSERT INTO account_events (account_id, type, detail)
    SELECT id, 'EMAIL_VERIFIED', '{"by":"admin"}' FROM verified`.execute(db);
  return findAccount(db, id);
};

/** Sets the status on an operator's word and keeps a record of the change; undefined for an unknown account. */
export const changeAccountStatus = async (
  db: Database,
  id: string,
  status: AccountStatus,
): Promise<AccountDetails | undefined> => {
  await sql`
    WITH before AS (SELECT id, status FROM accounts WHERE id = ${id} AND status <> ${status} FOR UPDATE),
    changed AS (
      UPDATE accounts a SET status = ${status} FROM before
       WHERE a.id = before.id RETURNING a.id, before.status AS previous)
    INSERT INTO account_events (account_id, type, detail)
    SELECT id, 'STATUS_CHANGED', jsonb_build_object('from', previous, 'to', ${status}::text, 'by', 'admin') FROM changed`.execute(
    db,
  );
  return findAccount(db, id);
};
