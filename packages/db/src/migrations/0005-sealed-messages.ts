import { type Kysely, sql } from 'kysely';

/**
 * Messages to people without an account: what they need (an address, a link that another system made) is
 * sealed under a key that is not in the database, and forgotten when the message is settled.
 */
const statements = [
  `ALTER TABLE messages
     ADD COLUMN sealed bytea CHECK (octet_length(sealed) > 32),
     ADD CONSTRAINT sealed_only_while_owed CHECK (sealed IS NULL OR settled_at IS NULL)`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
