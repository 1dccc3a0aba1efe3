import { derivedHash } from '@reconfirm/core/keyed-hash';
import { purposeNames, type PurposeName } from '@reconfirm/core/purposes/registry';
import type { NotSentReason } from '@reconfirm/core/resolve';
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The subjects under which messages to an address are ordered, for some purposes or all. */
export const subjectKeysOf = (
  addressKeys: readonly (Uint8Array | null)[],
  names: readonly PurposeName[] = purposeNames,
): readonly Buffer[] =>
  addressKeys
    .filter((key) => key !== null)
    .flatMap((key) => names.map((name) => derivedHash(`subject:${name}`, key)));

/**
 * Settles every message of some subjects that has not been sent, for a reason that an operator reads. One
 * in a worker's hands loses its fence, so that a hand-over which has not begun never does. Locks messages
 * in the order of their ids, before the caller locks an account, as workers do.
 */
export const cancelMessages = async (
  tx: Database,
  subjectKeys: readonly Uint8Array[],
  reason: Extract<NotSentReason, 'account_deleted' | 'revoked'>,
): Promise<void> => {
  await sql`
    UPDATE messages m
       SET status = 'skipped', reason = ${reason}, settled_at = now(), lease_until = NULL, sealed = NULL,
           attempt = m.attempt + (m.lease_until IS NOT NULL)::int
     WHERE m.id IN (
       SELECT id FROM messages
        WHERE subject_key = ANY (${subjectKeys.map((key) => Buffer.from(key))}::bytea[]) AND settled_at IS NULL
        ORDER BY id FOR UPDATE)`.execute(tx);
};
