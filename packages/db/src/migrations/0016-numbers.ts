import { type Kysely, sql } from 'kysely';

/**
 * What rates are counted by, and the ways to the messages of an address that is on neither side of an
 * account. Additive: a process of the version before goes on working, and leaves the class empty.
 */
const statements = [
  // Of a short list of large mail domains, or 'other': a domain of its own would say who somebody is.
  `ALTER TABLE messages ADD COLUMN recipient_domain text CHECK (octet_length(recipient_domain) <= 40)`,
  `CREATE INDEX contact_changes_new_key ON contact_changes (new_key)`,
  `CREATE INDEX contact_changes_old_key ON contact_changes (old_key) WHERE old_key IS NOT NULL`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
