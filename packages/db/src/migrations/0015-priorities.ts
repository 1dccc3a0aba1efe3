import { type Kysely, sql } from 'kysely';

/**
 * What goes first when not everything can go at once. Stored with the message, because the sweep has to find
 * the most urgent rows of a backlog without reading it; the values are `priorities` of packages/core. A
 * version that writes none, beside this one during a deploy, means the middle.
 */
const statements = [
  `ALTER TABLE messages ADD COLUMN priority smallint NOT NULL DEFAULT 1
     CONSTRAINT priority_is_known CHECK (priority BETWEEN 0 AND 2)`,
  // In place of the index of due messages in the first migration: what it found is found here for each priority.
  `CREATE INDEX messages_due_by_priority ON messages (priority, next_at) WHERE settled_at IS NULL`,
  `DROP INDEX messages_due`,
  `ALTER INDEX messages_due_by_priority RENAME TO messages_due`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
