import { expect, test } from 'vitest';
import { createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import { listProcessNames } from '../src/connected-processes.ts';
import { type Database, openDatabase } from '../src/database.ts';
import { readDatabaseClock } from '../src/database-clock.ts';

const connect = async (url: string, applicationName: string, connections = 1): Promise<Database> => {
  const db = openDatabase({
    url,
    poolMax: connections,
    timeoutMs: 15_000,
    applicationName,
    onIdleError: () => {},
  });
  // A pool opens a connection for each statement that runs at once.
  await Promise.all(Array.from({ length: connections }, () => readDatabaseClock(db)));
  return db;
};

test('processes are listed by name, each once, of this database only', async () => {
  const [database, another] = await Promise.all([
    createTestDatabase(testStores()),
    createTestDatabase(testStores()),
  ]);
  const pools = await Promise.all([
    connect(database.url, 'reconfirm-api 0123456789abcdef', 3),
    connect(database.url, 'reconfirm-mailer-worker 0123456789abcdef'),
    connect(database.url, 'psql'),
    connect(another.url, 'reconfirm-api fedcba9876543210'),
  ]);
  const [db] = pools;
  if (db === undefined) throw new Error('the first pool is open');
  expect(await listProcessNames(db)).toEqual([
    'reconfirm-api 0123456789abcdef',
    'reconfirm-mailer-worker 0123456789abcdef',
  ]);
  await Promise.all(pools.map((pool) => pool.destroy()));
  await Promise.all([database.drop(), another.drop()]);
});

test('the clock of the database goes on within a transaction', async () => {
  const database = await createTestDatabase(testStores());
  const db = await connect(database.url, 'reconfirm-clock');
  await db.transaction().execute(async (trx) => {
    const first = await readDatabaseClock(trx);
    await expect
      .poll(async () => (await readDatabaseClock(trx)).getTime(), { timeout: 10_000 })
      .toBeGreaterThan(first.getTime());
  });
  await db.destroy();
  await database.drop();
});
