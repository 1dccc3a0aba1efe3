import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { messageRanks } from '@reconfirm/core/message';
import { uuidV8 } from '@reconfirm/core/message-id';
import { createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import type { Database } from '../src/database.ts';
import { migrate, pendingMigrations } from '../src/migrator.ts';
import { openPool, openTestDatabase } from './support/database.ts';
import { newId } from './support/rows.ts';

const migrationNames = (await readdir(new URL('../src/migrations/', import.meta.url))).toSorted();

const emptyDatabase = await createTestDatabase(testStores());
afterAll(() => emptyDatabase.drop());
const [one, other] = [openPool(emptyDatabase, 1), openPool(emptyDatabase, 1)];

/** Takes a migrated database back to what CREATE DATABASE makes. */
const dropEverything = async (db: Database): Promise<void> => {
  await sql`DROP SCHEMA public CASCADE`.execute(db);
  await sql`CREATE SCHEMA public`.execute(db);
};

test('migrations are numbered from 0001 without a gap and named in kebab case', () => {
  const numbers = migrationNames.map((name) => /^(\d{4})-[a-z0-9-]+\.ts$/.exec(name)?.[1]);
  expect(numbers).toEqual(migrationNames.map((_, index) => String(index + 1).padStart(4, '0')));
});

test('of two processes that migrate at once one does everything and the other nothing, and neither fails', async () => {
  await dropEverything(one);
  expect(await pendingMigrations(one)).toHaveLength(migrationNames.length);
  const applied = await Promise.all([migrate(one), migrate(other)]);
  expect(new Set(applied.map((names) => names.length))).toEqual(new Set([0, migrationNames.length]));
  expect(await pendingMigrations(one)).toEqual([]);
});

test('migrating again changes nothing', async () => {
  await migrate(one);
  expect(await migrate(one)).toEqual([]);
});

const db = await openTestDatabase();

describe('what the database computes', () => {
  test('ranks are those of the core, for every status and no other word', async () => {
    const statuses = [...Object.keys(messageRanks), 'lost', ''];
    const { rows } = await sql<{ status: string; rank: number | null }>`
      SELECT status, status_rank(status) AS rank FROM unnest(${statuses}::text[]) AS status`.execute(db);
    expect(Object.fromEntries(rows.map(({ status, rank }) => [status, rank]))).toEqual({
      ...messageRanks,
      lost: null,
      '': null,
    });
  });

  test('charge ids of idempotent requests are those of the core, for 1,000 random keys', async () => {
    const keys = Array.from({ length: 1000 }, () => randomBytes(32));
    const requests = keys.map(() => randomBytes(32));
    const { rows } = await sql<{ charge: string }>`
      SELECT charge_id(${newId()}::uuid, key, request) AS charge
        FROM unnest(${keys}::bytea[], ${requests}::bytea[]) WITH ORDINALITY AS given (key, request, position)
       ORDER BY position`.execute(db);
    const expected = keys.map((key, index) =>
      uuidV8(
        createHash('sha256')
          .update(key)
          .update(requests[index] ?? '')
          .digest(),
      ),
    );
    expect(rows.map((row) => row.charge)).toEqual(expected);
  });

  test('one idempotency key with two requests makes two charges', async () => {
    const [key, id] = [randomBytes(32), newId()];
    const { rows } = await sql<{ same: boolean }>`
      SELECT charge_id(${id}::uuid, ${key}, ${randomBytes(32)}) = charge_id(${id}::uuid, ${key}, ${randomBytes(32)})
          AS same`.execute(db);
    expect(rows).toEqual([{ same: false }]);
  });

  test('the charge of a request without an idempotency key is its message', async () => {
    const id = newId();
    const { rows } = await sql<{
      charge: string;
    }>`SELECT charge_id(${id}::uuid, NULL, NULL) AS charge`.execute(db);
    expect(rows).toEqual([{ charge: id }]);
  });
});
