import { type Kysely, sql } from 'kysely';

/** What organizations set for themselves, and who changed it. */
const statements = [
  `ALTER TABLE organizations
     ADD COLUMN slug text UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
     -- Names and texts of settings, as the environment has them.
     ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now()`,
  `CREATE INDEX organizations_updated ON organizations (updated_at)`,
  `UPDATE organizations SET slug = 'default' WHERE id = '00000000-0000-7000-8000-000000000001'`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
