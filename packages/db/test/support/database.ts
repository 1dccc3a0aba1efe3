import { type TestDatabase, createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import { afterAll } from 'vitest';
import { type Database, openDatabase } from '../../src/database.ts';

/** A pool on a database; closed when the file ends. Its deadline is none that is promised: filling a table takes its time. */
export const openPool = (database: TestDatabase, poolMax: number): Database => {
  const db = openDatabase({
    url: database.url,
    poolMax,
    timeoutMs: 60_000,
    applicationName: 'db-test',
    onIdleError: () => {},
  });
  afterAll(() => db.destroy());
  return db;
};

/** A migrated, empty database for one test file; closed and dropped when the file ends. */
export const openTestDatabase = async (poolMax = 8): Promise<Database> => {
  const database = await createTestDatabase(testStores());
  afterAll(() => database.drop());
  return openPool(database, poolMax);
};
