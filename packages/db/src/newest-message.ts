import type { MessageStatus } from '@reconfirm/core/message';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import { sql } from 'kysely';
import { subjectKeysOf } from './cancel-messages.ts';
import type { Database } from './database.ts';

/** How the newest message of an address and purpose stands, for the owner of the address. */
export interface NewestMessage {
  readonly status: MessageStatus;
  readonly reason: string | null;
  /** The code of the last attempt that failed. */
  readonly lastFailure: string | null;
  readonly acceptedAt: Date;
}

export const findNewestMessage = async (
  db: Database,
  organizationId: string,
  emailKey: Uint8Array,
  purpose: PurposeName,
): Promise<NewestMessage | undefined> => {
  const { rows } = await sql<NewestMessage>`
    SELECT m.status, m.reason, m.accepted_at AS "acceptedAt",
           (SELECT a.code FROM attempts a
             WHERE a.message_id = m.id AND a.code IS NOT NULL ORDER BY a.number DESC LIMIT 1) AS "lastFailure"
      FROM messages m
     WHERE m.subject_key = ANY (${subjectKeysOf([emailKey], [purpose])}::bytea[])
       AND m.organization_id = ${organizationId}
     ORDER BY m.seq DESC LIMIT 1`.execute(db);
  return rows[0];
};
