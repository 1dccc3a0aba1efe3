import { sql } from 'kysely';
import type { Database } from './database.ts';
import { lockToken } from './lock-order.ts';
import { readToken } from './token-state.ts';

/**
 * The owner of an address says that they did not ask for this message. Its link and code are dead from then
 * on, and the host application is told. An account that never proved the address loses its claim to it: a
 * stranger's sign-up keeps nobody from registering. Nothing is undone that the link itself has confirmed.
 * Repeating it, and a token that nobody made, change nothing. Returns whether this call changed something.
 */
export const disownMessage = async (db: Database, tokenHash: Uint8Array): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const presented = { by: 'link', tokenHash } as const;
    await lockToken(tx, presented);
    const facts = await readToken(tx, presented);
    if (facts.state === 'unknown' || facts.state === 'consumed' || facts.isRevoked) return false;
    await tx
      .updateTable('verifications')
      .set({ revoked_at: sql<Date>`now()` })
      .where('message_id', '=', facts.messageId)
      .execute();
    await tx
      .insertInto('account_events')
      .values({
        account_id: facts.accountId,
        type: 'CONTACT_DISOWNED',
        detail: JSON.stringify({ purpose: facts.purpose, messageId: facts.messageId }),
      })
      .execute();
    // A change that is under way claims the new address for an account that has another one.
    if (facts.change === null) await releaseClaim(tx, facts.accountId);
    else await cancelChange(tx, facts.change.id);
    return true;
  });

const releaseClaim = async (tx: Database, accountId: string): Promise<void> => {
  await tx
    .updateTable('accounts')
    .set({
      email: null,
      email_key: null,
      status: 'suspended',
      disowned_at: sql<Date>`now()`,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', accountId)
    .where('status', '=', 'pending')
    .where('verified_at', 'is', null)
    .where('phone_key', 'is', null)
    .execute();
};

const cancelChange = async (tx: Database, changeId: string): Promise<void> => {
  await tx
    .updateTable('contact_changes')
    .set({ cancelled_at: sql<Date>`now()` })
    .where('id', '=', changeId)
    .where('completed_at', 'is', null)
    .where('cancelled_at', 'is', null)
    .execute();
};
