import { derivedHash } from '@reconfirm/core/keyed-hash';
import type { ChangeMode, ChangeSide } from '@reconfirm/core/contact-change';
import type { Channel } from '@reconfirm/core/destination';
import { sql, type Selectable } from 'kysely';
import { acceptMessages, type MessageRequest } from './accept-messages.ts';
import { type ChargeForgotten, chargedTransaction } from './charged-transaction.ts';
import type { Database } from './database.ts';
import type { ContactChangesTable } from './schema.ts';

export interface NewContactChange {
  readonly id: string;
  readonly organizationId: string;
  readonly accountId: string;
  readonly channel: Channel;
  readonly mode: ChangeMode;
  readonly newAddress: string;
  readonly newKey: Uint8Array;
  readonly ttlSeconds: number;
}

/** How far a change has come, for the account that asked for it. */
export interface PendingChange {
  readonly id: string;
  readonly mode: ChangeMode;
  readonly newAddress: string;
  readonly confirmed: Readonly<Record<ChangeSide, boolean>>;
  readonly expiresAt: Date;
}

/**
 * Asks for a change and its messages, all or nothing; an earlier change of the account that is still
 * pending is cancelled by it, and its tokens with it. False when the account is gone.
 */
export const requestContactChange = async (
  db: Database,
  change: NewContactChange,
  messages: readonly MessageRequest[],
): Promise<boolean | ChargeForgotten> =>
  chargedTransaction(db, messages[0]?.limitMemory, async (tx) => {
    const account = await tx
      .selectFrom('accounts')
      .select(['email', 'email_key', 'phone', 'phone_key'])
      .where('id', '=', change.accountId)
      .forUpdate()
      .executeTakeFirst();
    if (account === undefined) return false;
    await cancelContactChange(tx, change.accountId, change.channel);
    const isEmail = change.channel === 'email';
    await tx
      .insertInto('contact_changes')
      .values({
        id: change.id,
        organization_id: change.organizationId,
        account_id: change.accountId,
        channel: change.channel,
        mode: change.mode,
        new_address: change.newAddress,
        new_key: Buffer.from(change.newKey),
        old_address: isEmail ? account.email : account.phone,
        old_key: isEmail ? account.email_key : account.phone_key,
        expires_at: sql<Date>`now() + make_interval(secs => ${change.ttlSeconds})`,
      })
      .execute();
    await acceptMessages(tx, messages);
    return true;
  });

/** Ends a pending change; its tokens die with it. False when none was pending. */
export const cancelContactChange = async (
  db: Database,
  accountId: string,
  channel: Channel,
): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('contact_changes')
    .set({ cancelled_at: sql<Date>`now()` })
    .where('account_id', '=', accountId)
    .where('channel', '=', channel)
    .where('completed_at', 'is', null)
    .where('cancelled_at', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
};

/** Whether the account has moved; false while a confirmation is still wanted. */
export const isChangeComplete = async (db: Database, changeId: string): Promise<boolean> => {
  const row = await db
    .selectFrom('contact_changes')
    .select('completed_at')
    .where('id', '=', changeId)
    .executeTakeFirst();
  return row !== undefined && row.completed_at !== null;
};

/** The change that waits for its confirmations; undefined when there is none or it has lapsed. */
export const findPendingChange = async (
  db: Database,
  accountId: string,
  channel: Channel,
): Promise<PendingChange | undefined> => {
  const row = await db
    .selectFrom('contact_changes')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('channel', '=', channel)
    .where('completed_at', 'is', null)
    .where('cancelled_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    id: row.id,
    mode: row.mode,
    newAddress: row.new_address,
    confirmed: { current: row.current_confirmed_at !== null, new: row.new_confirmed_at !== null },
    expiresAt: row.expires_at,
  };
};

/**
 * Records one side's consent to a change, and moves the account when nothing more is wanted. Null when the
 * change was cancelled, replaced or has lapsed. Throws a unique violation when the new address belongs to
 * another account by now: the caller's transaction then leaves everything as it was.
 */
export const confirmChangeSide = async (
  tx: Database,
  accountId: string,
  { id, side }: { readonly id: string; readonly side: ChangeSide },
  messageId: string,
  noticeId: string,
): Promise<{ readonly email: string | null } | null> => {
  const change = await tx
    .updateTable('contact_changes')
    .set({ [side === 'new' ? 'new_confirmed_at' : 'current_confirmed_at']: sql`now()` })
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('completed_at', 'is', null)
    .where('cancelled_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .returningAll()
    .executeTakeFirst();
  if (change === undefined) return null;
  const isComplete =
    change.new_confirmed_at !== null && (change.mode === 'new_only' || change.current_confirmed_at !== null);
  return isComplete ? moveAccount(tx, change, messageId, noticeId) : { email: await emailOf(tx, accountId) };
};

const moveAccount = async (
  tx: Database,
  change: Selectable<ContactChangesTable>,
  messageId: string,
  noticeId: string,
): Promise<{ readonly email: string | null }> => {
  const moved =
    change.channel === 'email'
      ? { email: change.new_address, email_key: change.new_key, verified_at: sql<Date>`now()` }
      : { phone: change.new_address, phone_key: change.new_key, phone_verified_at: sql<Date>`now()` };
  const account = await tx
    .updateTable('accounts')
    .set({
      ...moved,
      // A proved number makes nobody active who waits for the proof of an e-mail address.
      status: sql`CASE WHEN status = 'pending' AND (${change.channel} = 'email' OR email IS NULL) THEN 'active' ELSE status END`,
      updated_at: sql`now()`,
    })
    .where('id', '=', change.account_id)
    .returning('email')
    .executeTakeFirstOrThrow();
  await tx
    .updateTable('contact_changes')
    .set({ completed_at: sql`now()` })
    .where('id', '=', change.id)
    .execute();
  await tx
    .insertInto('account_events')
    .values({
      account_id: change.account_id,
      type: change.channel === 'email' ? 'EMAIL_CHANGED' : 'PHONE_CHANGED',
      detail: JSON.stringify({ changeId: change.id, messageId }),
    })
    .execute();
  if (change.channel === 'email' && change.old_key !== null) await tellOldAddress(tx, change, noticeId);
  return { email: account.email };
};

/** The notice to the old address, with the way back. The sweep finds it due; nobody waits for it. */
const tellOldAddress = async (
  tx: Database,
  change: Selectable<ContactChangesTable>,
  noticeId: string,
): Promise<void> => {
  const oldKey = change.old_key ?? Buffer.alloc(32);
  // It was not asked for by anybody, so it counts against nobody: its limit keys are its own.
  const limitKey = derivedHash('limit:email_changed', oldKey);
  await acceptMessages(tx, [
    {
      id: noticeId,
      organizationId: change.organization_id,
      subjectKey: derivedHash('subject:email_changed:current', Buffer.from(change.account_id)),
      addressKey: oldKey,
      limitKey,
      ipKey: limitKey,
      purpose: 'email_changed',
      channel: 'email',
      contract: 'service',
      locale: null,
      redirectUrl: null,
      idempotency: null,
      change: { accountId: change.account_id, id: change.id, side: 'current' },
    },
  ]);
};

/**
 * Takes a completed change back on the word of the old address, and ends the account's sessions: whoever
 * moved it may still be signed in. Null when it was taken back before, or the account has moved on since.
 */
export const undoChange = async (
  tx: Database,
  accountId: string,
  changeId: string,
  messageId: string,
): Promise<{ readonly email: string | null } | null> => {
  const { rows } = await sql<{ email: string | null }>`
    WITH undone AS (
      UPDATE contact_changes SET undone_at = now()
       WHERE id = ${changeId} AND account_id = ${accountId} AND completed_at IS NOT NULL AND undone_at IS NULL
      RETURNING account_id, new_key, old_address, old_key)
    UPDATE accounts a SET email = undone.old_address, email_key = undone.old_key, updated_at = now()
      FROM undone WHERE a.id = undone.account_id AND a.email_key = undone.new_key
    RETURNING a.email`.execute(tx);
  const row = rows[0];
  if (row === undefined) return null;
  await tx
    .insertInto('account_events')
    .values({
      account_id: accountId,
      type: 'EMAIL_CHANGE_UNDONE',
      detail: JSON.stringify({ changeId, messageId }),
    })
    .execute();
  return row;
};

const emailOf = async (tx: Database, accountId: string): Promise<string | null> => {
  const row = await tx
    .selectFrom('accounts')
    .select('email')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  return row.email;
};
