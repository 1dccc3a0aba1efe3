import { readdir } from 'node:fs/promises';
import { createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { afterAll, describe, expect, test } from 'vitest';
import type { Database } from '../src/database.ts';
import { openPool } from './support/database.ts';

/*
 * During a deploy the processes of the version before work on the schema of the next one. So a migration
 * may add, and may not take away, narrow or demand anything that they do not know of.
 */

interface Schema {
  /** `table.column` → its type. */
  readonly columns: ReadonlyMap<string, string>;
  /** Columns that every INSERT has to name. */
  readonly demanded: ReadonlySet<string>;
  readonly tables: ReadonlySet<string>;
  /** With the types of their parameters: a caller of before finds the one it knows. */
  readonly functions: ReadonlySet<string>;
  /** Checks, keys and unique indexes: their words → the columns they are about. */
  readonly rules: ReadonlyMap<string, readonly string[]>;
}

const readSchema = async (db: Database): Promise<Schema> => {
  const columns = await sql<{ table: string; name: string; type: string; demanded: boolean }>`
    SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS demanded
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`.execute(
    db,
  );
  const functions = await sql<{ signature: string }>`
    SELECT oid::regprocedure::text AS signature FROM pg_proc WHERE pronamespace = 'public'::regnamespace`.execute(
    db,
  );
  const constraints = await sql<{ words: string; columns: readonly string[] }>`
    SELECT c.relname || ' ' || pg_get_constraintdef(k.oid) AS words,
           ARRAY(SELECT c.relname || '.' || a.attname FROM pg_attribute a
                  WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))::text[] AS columns
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('c', 'u', 'f', 'p')
     UNION ALL
    SELECT pg_get_indexdef(i.indexrelid),
           ARRAY(SELECT c.relname || '.' || a.attname FROM pg_attribute a
                  WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[]))::text[]
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)`.execute(db);
  return {
    columns: new Map(columns.rows.map(({ table, name, type }) => [`${table}.${name}`, type])),
    demanded: new Set(
      columns.rows.filter(({ demanded }) => demanded).map(({ table, name }) => `${table}.${name}`),
    ),
    tables: new Set(columns.rows.map(({ table }) => table)),
    functions: new Set(functions.rows.map(({ signature }) => signature)),
    rules: new Map(constraints.rows.map((rule) => [rule.words, rule.columns])),
  };
};

const tableOf = (column: string): string => column.split('.')[0] ?? '';

/** What a process of before could trip over, as sentences. */
const disturbances = (before: Schema, after: Schema): readonly string[] => [
  ...[...before.columns].flatMap(([name, type]) => {
    const now = after.columns.get(name);
    if (now === undefined) return [`${name} is gone`];
    return now === type ? [] : [`${name} was ${type} and is ${now}`];
  }),
  ...[...after.demanded]
    .filter((name) => before.tables.has(tableOf(name)) && !before.demanded.has(name))
    .map((name) => `${name} has to be given`),
  ...[...before.functions].filter((name) => !after.functions.has(name)).map((name) => `${name} is gone`),
  // A rule that a new column takes part in can allow for rows that do not know it; one of old columns alone cannot.
  ...[...after.rules]
    .filter(
      ([words, columns]) => !before.rules.has(words) && columns.every((name) => before.columns.has(name)),
    )
    .map(([words]) => `a new rule for what was there: ${words}`),
];

/** Looked at one by one: why nothing of before can trip over it. */
const harmless: ReadonlySet<string> = new Set([
  // Neither could be null before, and this migration is what allows it, for both together.
  '0003-purposes.ts: a new rule for what was there: accounts CHECK (((email IS NULL) = (email_key IS NULL)))',
]);

const folder = new URL('../src/migrations/', import.meta.url);
const names = (await readdir(folder)).toSorted();

const database = await createTestDatabase(testStores());
afterAll(() => database.drop());
const db = openPool(database, 1);

const emptied = async (): Promise<void> => {
  await sql`DROP SCHEMA public CASCADE`.execute(db);
  await sql`CREATE SCHEMA public`.execute(db);
};

describe('a migration', () => {
  test('disturbs no process of the version before, from the first to the last', async () => {
    await emptied();
    const found: string[] = [];
    let before: Schema | undefined;
    for (const name of names) {
      const { up } = (await import(new URL(name, folder).href)) as Pick<Migration, 'up'>;
      await up(db);
      const after = await readSchema(db);
      if (before !== undefined)
        found.push(...disturbances(before, after).map((sentence) => `${name}: ${sentence}`));
      before = after;
    }
    expect(names.length).toBeGreaterThan(10);
    expect(found.filter((sentence) => !harmless.has(sentence))).toEqual([]);
  }, 60_000);

  test.each([
    ['drops a column', 'ALTER TABLE messages DROP COLUMN locale', /messages.locale is gone/],
    ['renames a column', 'ALTER TABLE messages RENAME COLUMN locale TO tongue', /messages.locale is gone/],
    ['changes a type', 'ALTER TABLE attempts ALTER COLUMN number TYPE bigint', /was integer and is bigint/],
    ['demands a new column', 'ALTER TABLE messages ADD COLUMN x text NOT NULL', /messages.x has to be given/],
    ['demands an old one', 'ALTER TABLE messages ALTER COLUMN locale SET NOT NULL', /has to be given/],
    ['narrows an old one', `ALTER TABLE messages ADD CHECK (locale <> 'xx')`, /a new rule/],
    ['makes an old one unique', 'CREATE UNIQUE INDEX ON messages (locale)', /a new rule/],
    ['takes away a function', 'DROP FUNCTION release_sms(uuid, integer)', /release_sms.* is gone/],
  ])('that %s is noticed', async (_what, statement, sentence) => {
    const before = await readSchema(db);
    await sql`BEGIN`.execute(db);
    try {
      await sql.raw(statement).execute(db);
      expect(disturbances(before, await readSchema(db)).join('\n')).toMatch(sentence);
    } finally {
      await sql`ROLLBACK`.execute(db);
    }
    expect(disturbances(before, await readSchema(db))).toEqual([]);
  });

  test('that adds columns with a default, tables and loose rules is let through', async () => {
    const before = await readSchema(db);
    await sql`BEGIN`.execute(db);
    await sql`ALTER TABLE messages ADD COLUMN x text NOT NULL DEFAULT '' CHECK (x <> 'y')`.execute(db);
    await sql`CREATE TABLE extra (id uuid PRIMARY KEY, given text NOT NULL)`.execute(db);
    const after = await readSchema(db);
    await sql`ROLLBACK`.execute(db);
    expect(after.tables.has('extra')).toBe(true);
    expect(disturbances(before, after)).toEqual([]);
  });
});
