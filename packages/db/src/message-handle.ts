import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * Whether what a request asked for has been confirmed since, by its own message or by another one of its
 * subject. False for a handle that nobody was given, for an unknown address and for an account that had
 * nothing to confirm: whoever holds a handle learns what they did themselves and nothing else.
 */
export const isConfirmedSince = async (
  db: Database,
  organizationId: string,
  messageId: string,
): Promise<boolean> => {
  const { rows } = await sql<{ confirmed: boolean }>`
    SELECT EXISTS (
      SELECT FROM messages asked
        JOIN messages m ON m.subject_key = asked.subject_key
        JOIN verifications v ON v.message_id = m.id
       WHERE asked.id = ${messageId} AND asked.organization_id = ${organizationId}
         AND v.consumed_at >= asked.accepted_at) AS confirmed`.execute(db);
  return rows[0]?.confirmed === true;
};
