import { sql } from 'kysely';
import type { ChangeSide } from '@reconfirm/core/contact-change';
import type { Database } from './database.ts';
import type { ContactChangesTable } from './schema.ts';
import type { Selectable } from 'kysely';

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
  return isComplete ? moveAccount(tx, change, messageId) : { email: await emailOf(tx, accountId) };
};

const moveAccount = async (
  tx: Database,
  change: Selectable<ContactChangesTable>,
  messageId: string,
): Promise<{ readonly email: string | null }> => {
  const moved =
    change.channel === 'email'
      ? { email: change.new_address, email_key: change.new_key, verified_at: sql<Date>`now()` }
      : { phone: change.new_address, phone_key: change.new_key, phone_verified_at: sql<Date>`now()` };
  const account = await tx
    .updateTable('accounts')
    .set({
      ...moved,
      status: sql`CASE WHEN status = 'pending' THEN 'active' ELSE status END`,
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
  return { email: account.email };
};

const emailOf = async (tx: Database, accountId: string): Promise<string | null> => {
  const row = await tx
    .selectFrom('accounts')
    .select('email')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  return row.email;
};
