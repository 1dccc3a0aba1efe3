import type { OutgoingEventType } from '@reconfirm/core/outgoing/event';
import { sql } from 'kysely';
import { subjectKeysOf } from './cancel-messages.ts';
import type { Database } from './database.ts';
import { lockMessagesOf } from './lock-order.ts';

/** Accounts of one transaction: each takes its messages, events and keys with it. */
const batchSize = 100;

/** Never proved by any address or number. */
const isUnproved = sql`a.status = 'pending' AND a.verified_at IS NULL AND a.phone_verified_at IS NULL`;

/**
 * Nothing is alive by which it still could be: nobody is signed in, no message on its way, no link or code works.
 * OFFSET 0 keeps each a question by an index: joined, all sessions could be read for a hundred accounts.
 */
const isIdle = sql`
  NOT EXISTS (SELECT FROM sessions s WHERE s.account_id = a.id AND s.ended_at IS NULL AND s.expires_at > now() OFFSET 0)
  AND NOT EXISTS (SELECT FROM messages m WHERE m.account_id = a.id AND m.rank + 0 < 40 OFFSET 0)
  AND NOT EXISTS (
    SELECT FROM verifications v
     WHERE v.account_id = a.id AND v.consumed_at IS NULL AND v.revoked_at IS NULL AND v.expires_at > now() OFFSET 0)`;

interface Candidate {
  readonly id: string;
  readonly email_key: Buffer | null;
  readonly phone_key: Buffer | null;
}

/** Found by an index of its own; the oldest first. */
export const findUnproved = async (db: Database, days: number): Promise<readonly Candidate[]> => {
  const { rows } = await sql<Candidate>`
    SELECT a.id, a.email_key, a.phone_key FROM accounts a
     WHERE ${isUnproved} AND a.created_at < now() - make_interval(days => ${days}) AND ${isIdle}
     ORDER BY a.created_at LIMIT ${batchSize}`.execute(db);
  return rows;
};

const lapsed: OutgoingEventType = 'account.lapsed';

/**
 * Deletes one batch of accounts that nobody has proved within `days` of their being made, with an event for
 * the host of each; true when there may be more. Several workers may do this at once. Whoever proves an
 * address, signs in or is written to at the same moment keeps the account: everything is read again once
 * messages and accounts are locked.
 */
export const lapsePendingAccounts = async (db: Database, days: number): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const candidates = await findUnproved(tx, days);
    if (candidates.length === 0) return false;
    const ids = candidates.map(({ id }) => id);
    const subjectKeys = subjectKeysOf(
      candidates.flatMap(({ email_key, phone_key }) => [email_key, phone_key]),
    );
    await lockMessagesOf(tx, ids, subjectKeys);
    const { rows: held } = await sql<{ id: string }>`
      SELECT id FROM accounts WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED`.execute(tx);
    const { numAffectedRows } = await sql`
      WITH gone AS (
        DELETE FROM accounts a
         WHERE a.id = ANY (${held.map(({ id }) => id)}::uuid[]) AND ${isUnproved} AND ${isIdle}
           -- What was accepted and not begun does not name its account yet.
           AND NOT EXISTS (
             SELECT FROM messages m
              WHERE m.subject_key = ANY (${subjectKeys}::bytea[]) AND m.rank + 0 < 40
                AND m.organization_id = a.organization_id AND m.address_key IN (a.email_key, a.phone_key))
        RETURNING a.id, a.organization_id, a.email_key)
      INSERT INTO outgoing_events (organization_id, type, lapsed_account_id, channel)
      SELECT organization_id, ${lapsed}, id, CASE WHEN email_key IS NULL THEN 'sms' ELSE 'email' END FROM gone`.execute(
      tx,
    );
    return candidates.length === batchSize && (numAffectedRows ?? 0n) > 0n;
  });
