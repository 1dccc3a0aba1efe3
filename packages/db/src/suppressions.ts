import { type RawBuilder, sql } from 'kysely';
import type { Channel } from '@reconfirm/core/destination';
import type { Suppression } from '@reconfirm/core/suppression';
import type { Database } from './database.ts';
import { accountOfAddress, isInForce, noteChanges } from './suppression-changes.ts';

/** What is on record of one address, as an operator sees it. The address itself stands nowhere. */
export interface SuppressionDetails extends Suppression {
  readonly id: string;
  readonly channel: Channel;
  readonly addressKey: Buffer;
  readonly detail: string | null;
  readonly messageId: string | null;
  readonly isInForce: boolean;
}

/** One change of the list, for an auditor. */
export interface SuppressionChange {
  readonly change: 'suppressed' | 'lifted';
  readonly by: 'report' | 'hand_over' | 'operator' | 'proof';
  readonly reason: Suppression['reason'];
  readonly expiresAt: Date | null;
  readonly messageId: string | null;
  readonly who: string | null;
  readonly why: string | null;
  readonly changedAt: Date;
}

const details = sql`
  s.id::text AS id, s.channel, s.address_key AS "addressKey", s.reason, s.detail, s.message_id AS "messageId", s.times, s.complaints,
  s.suppressed_at AS "suppressedAt", s.expires_at AS "expiresAt", s.lifted_at AS "liftedAt", s.lifted_by AS "liftedBy",
  ${isInForce} AS "isInForce"`;

export interface SuppressionFilter {
  readonly organizationId: string;
  readonly addressKey?: Uint8Array;
  readonly inForceOnly: boolean;
  /** Only those before this one: the last id of the page before. */
  readonly beforeId?: string;
  readonly limit: number;
}

/** Suppressed addresses, the one that first came last at the front. */
export const listSuppressions = async (
  db: Database,
  filter: SuppressionFilter,
): Promise<readonly SuppressionDetails[]> => {
  const { addressKey, beforeId } = filter;
  const { rows } = await sql<SuppressionDetails>`
    SELECT ${details} FROM suppressions s
     WHERE s.organization_id = ${filter.organizationId}
       ${addressKey === undefined ? sql`` : sql`AND s.address_key = ${Buffer.from(addressKey)}`}
       ${filter.inForceOnly ? sql`AND ${isInForce}` : sql``}
       ${beforeId === undefined ? sql`` : sql`AND s.id < ${beforeId}::bigint`}
     ORDER BY s.id DESC LIMIT ${filter.limit}`.execute(db);
  return rows;
};

/** One of them with everything that was changed about it, oldest first; undefined for an id of another organization. */
export const findSuppression = async (
  db: Database,
  organizationId: string,
  id: string,
): Promise<
  { readonly suppression: SuppressionDetails; readonly changes: readonly SuppressionChange[] } | undefined
> => {
  const { rows } = await sql<SuppressionDetails>`
    SELECT ${details} FROM suppressions s
     WHERE s.id = ${id}::bigint AND s.organization_id = ${organizationId}`.execute(db);
  const [suppression] = rows;
  if (suppression === undefined) return undefined;
  const { rows: changes } = await sql<SuppressionChange>`
    SELECT change, by, reason, expires_at AS "expiresAt", message_id AS "messageId", who, why, changed_at AS "changedAt"
      FROM suppression_changes WHERE suppression_id = ${id}::bigint ORDER BY id`.execute(db);
  return { suppression, changes };
};

/**
 * Accounts come before what is on record of their addresses: whoever proves an address, and whoever records
 * what became of a message, locks them in this order.
 */
const lockAccountOf = async (tx: Database, of: RawBuilder<unknown>): Promise<void> => {
  await sql`
    SELECT FROM accounts WHERE id IN (SELECT a.id FROM (${of}) c CROSS JOIN LATERAL ${accountOfAddress} a)
       FOR KEY SHARE`.execute(tx);
};

/** Of which an auditor reads who did it and why. */
export interface OperatorWord {
  readonly who: string;
  readonly why: string;
}

export interface AddedSuppression extends OperatorWord {
  readonly organizationId: string;
  readonly addressKey: Uint8Array;
  readonly channel: Channel;
  /** Null: until it is lifted. */
  readonly days: number | null;
}

/**
 * Suppresses an address on an operator's word, and tells its account. A complaint that is in force stays what
 * it is, for it lasts as long and says more; the operator's word is noted all the same.
 */
export const addSuppression = async (db: Database, added: AddedSuppression): Promise<SuppressionDetails> => {
  const until = sql`now() + make_interval(hours => 24 * ${added.days}::int)`;
  await db.transaction().execute(async (tx) => {
    const key = Buffer.from(added.addressKey);
    await lockAccountOf(
      tx,
      sql`SELECT ${added.organizationId}::uuid AS organization_id, ${key}::bytea AS address_key, ${added.channel}::text AS channel`,
    );
    await sql`
    WITH written AS (
      INSERT INTO suppressions AS s (organization_id, address_key, channel, reason, expires_at)
      VALUES (${added.organizationId}, ${Buffer.from(added.addressKey)}, ${added.channel}, 'operator', ${until})
      ON CONFLICT (address_key) DO UPDATE
         SET reason = excluded.reason, detail = NULL, message_id = NULL, delivery_event_id = NULL,
             suppressed_at = now(), expires_at = excluded.expires_at, lifted_at = NULL, lifted_by = NULL, times = 0, complaints = 0
       WHERE NOT (s.reason = 'complaint' AND ${isInForce})
      RETURNING s.*),
    ${noteChanges({ changed: sql`written`, change: 'suppressed', by: 'operator', operator: added })}
    SELECT count(*) FROM written`.execute(tx);
  });
  const [suppression] = await listSuppressions(db, { ...added, inForceOnly: false, limit: 1 });
  if (suppression === undefined) throw new Error('a suppression that was just written is gone');
  return suppression;
};

/**
 * Takes an address off the list on an operator's word, and tells its account; its next hard bounce is the
 * first again. One that is not in force is left as it is. Undefined for an id of another organization.
 */
export const liftSuppression = async (
  db: Database,
  at: { readonly organizationId: string; readonly id: string },
  word: OperatorWord,
): Promise<SuppressionDetails | undefined> => {
  await db.transaction().execute(async (tx) => {
    await lockAccountOf(tx, sql`SELECT * FROM suppressions WHERE id = ${at.id}::bigint`);
    await sql`
    WITH lifted AS (
      UPDATE suppressions s SET lifted_at = now(), lifted_by = 'operator'
       WHERE s.id = ${at.id}::bigint AND s.organization_id = ${at.organizationId} AND ${isInForce}
      RETURNING s.*),
    ${noteChanges({ changed: sql`lifted`, change: 'lifted', by: 'operator', operator: word })}
    SELECT count(*) FROM lifted`.execute(tx);
  });
  return (await findSuppression(db, at.organizationId, at.id))?.suppression;
};

/** What is in force for the addresses that an account has, for the account itself. */
export const suppressionsOfAccount = async (
  db: Database,
  accountId: string,
): Promise<readonly SuppressionDetails[]> => {
  const { rows } = await sql<SuppressionDetails>`
    SELECT ${details} FROM accounts a JOIN suppressions s ON s.address_key IN (a.email_key, a.phone_key)
     WHERE a.id = ${accountId} AND ${isInForce} ORDER BY s.channel`.execute(db);
  return rows;
};
