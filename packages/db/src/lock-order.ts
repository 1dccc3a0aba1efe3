import { sql } from 'kysely';
import type { Database } from './database.ts';
import { named } from './named-statements.ts';
import { isPresented, type Presented } from './token-state.ts';

/*
 * The one order in which rows are locked by whatever locks more than one: messages by their ids, then
 * accounts by theirs, then what hangs on them (verifications, invitations, changes, sessions, and last the
 * suppressions of their addresses). Workers and reports cannot have another: they come to the account by the message, and its event takes a share of the
 * account's row at the very end of the statement. So what begins with an account takes its messages first.
 * Inserting a message takes a share of the account alone, and nobody waits for a row that is new.
 */

/**
 * Locks the message and the account of a token, in this order: the account is found by the row that the
 * first part has locked. Two tokens of one account wait for each other from here on. A token that nobody
 * made locks nothing.
 */
export const lockToken = async (tx: Database, presented: Presented): Promise<void> => {
  await sql`
    WITH held AS MATERIALIZED (
      SELECT v.account_id FROM verifications v JOIN messages m ON m.id = v.message_id
       WHERE ${isPresented(presented)} FOR UPDATE OF m)
    SELECT FROM held JOIN accounts a ON a.id = held.account_id FOR UPDATE OF a`.execute(tx);
};

/** Locks messages in the order of their ids. What is read of them by a later statement stays as it is. */
export const lockMessages = async (tx: Database, ids: readonly string[]): Promise<void> => {
  await sql`
    ${named('lock_messages')}
    SELECT FROM messages WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`.execute(tx);
};

/**
 * Locks every message of some accounts, and every one that waits under their subjects, before the accounts
 * go: deleting one writes to all of its messages.
 */
export const lockMessagesOf = async (
  tx: Database,
  accountIds: readonly string[],
  subjectKeys: readonly Uint8Array[],
): Promise<void> => {
  await sql`
    SELECT FROM messages
     WHERE account_id = ANY (${accountIds}::uuid[])
        OR (subject_key = ANY (${subjectKeys.map((key) => Buffer.from(key))}::bytea[]) AND settled_at IS NULL)
     ORDER BY id FOR UPDATE`.execute(tx);
};
