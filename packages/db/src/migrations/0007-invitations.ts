import { type Kysely, sql } from 'kysely';

/** Who was invited by whom, how often, and whether it was withdrawn. Additive. */
const statements = [
  `CREATE TABLE invitations (
     account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
     -- Of the newest generation. No reference: retention forgets messages, and the invitation stays known.
     message_id uuid NOT NULL,
     generation integer NOT NULL DEFAULT 1 CHECK (generation > 0),
     -- account:<id>, key:<id> or operator.
     invited_by text NOT NULL CHECK (octet_length(invited_by) BETWEEN 1 AND 64),
     asked_at timestamptz NOT NULL DEFAULT now(),
     revoked_at timestamptz
   )`,
  // A withdrawn token stays known, so that its holder is told what happened to it.
  `ALTER TABLE verifications ADD COLUMN revoked_at timestamptz`,
  // The users of an organization in the order in which they came, and those of them who administer it.
  `CREATE INDEX accounts_organization ON accounts (organization_id, id)`,
  `CREATE INDEX accounts_administrators ON accounts (organization_id) WHERE is_admin`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
