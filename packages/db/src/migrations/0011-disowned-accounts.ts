import { type Kysely, sql } from 'kysely';

/**
 * An account whose address its owner has disowned before it was proved. It keeps its id, so that the host
 * application can be told, and has no address, so that the owner can register with it.
 */
const statements = [
  `ALTER TABLE accounts
     ADD COLUMN disowned_at timestamptz,
     DROP CONSTRAINT accounts_can_be_reached,
     ADD CONSTRAINT accounts_can_be_reached
       CHECK (email_key IS NOT NULL OR phone_key IS NOT NULL OR disowned_at IS NOT NULL)`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
