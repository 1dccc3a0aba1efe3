import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { claimMessages } from '../src/claims.ts';
import type { Database } from '../src/database.ts';
import { openTestDatabase } from './support/database.ts';
import { explain, insertManyMessages } from './support/explain.ts';
import { newId } from './support/rows.ts';

const db = await openTestDatabase();

describe('with statistics from before a backlog', () => {
  test(
    'a claim finds its messages by their ids and never walks the backlog',
    { timeout: 60_000 },
    async () => {
      await sql`ALTER TABLE messages SET (autovacuum_enabled = off)`.execute(db);
      await insertManyMessages(db, 20_000, 5);
      await sql`ANALYZE messages`.execute(db);
      await insertManyMessages(db, 0, 50_000);
      const { rows } = await sql<{
        id: string;
      }>`SELECT id FROM messages WHERE settled_at IS NULL LIMIT 128`.execute(db);
      const claim = (database: Database) =>
        claimMessages(
          database,
          rows.map((row) => row.id),
          60,
        );

      const plan = await explain(db, claim);
      expect(plan).toContain('messages_pkey');
      expect(plan).not.toContain('messages_due');

      // The same statement with the predicate of the partial index does walk the backlog: the check can fail.
      const walking = await explain(db, claim, (text) =>
        text.replace('m.rank + 0 < 40', 'm.settled_at IS NULL'),
      );
      expect(walking).toContain('messages_due');
    },
  );
});

test('a claim looks a suppressed address up by its key, once a message, however many there are', async () => {
  await sql`
    INSERT INTO suppressions (organization_id, address_key, channel, reason, complaints)
    SELECT gen_random_uuid(), sha256(n::text::bytea), 'email', 'complaint', 1 FROM generate_series(1, 20000) n`.execute(
    db,
  );
  await sql`ANALYZE suppressions`.execute(db);
  const ids = Array.from({ length: 128 }, newId);
  const plan = await explain(db, (database) => claimMessages(database, ids, 60));
  expect(plan).toContain('suppressions_address_key_key');
  expect(plan).not.toContain('Seq Scan on suppressions');
});
