import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { runPrefixOf, urlOfDatabase } from './test-stores-names.ts';
import type { TestStores } from './test-stores.ts';

export type TestDatabase = {
  readonly name: string;
  readonly url: string;
  /**
   * Removes the database. Throws when connections to it are still open two seconds after the call, and
   * names them: the test, or the code it tests, did not close what it opened.
   */
  drop(): Promise<void>;
};

// PostgreSQL, appendix A: object_in_use.
const OBJECT_IN_USE = '55006';
const CREATE_TIMEOUT_MS = 20_000;
// A closed socket needs some milliseconds until its backend is gone; a loaded machine needs more.
const CLOSE_GRACE_MS = 2000;

// Vitest gives each test file a fresh module graph, so this holds the databases of one file.
const undropped = new Set<TestDatabase>();

/** A migrated, empty database of its own for the caller. What is not dropped by the test is dropped when its file ends. */
export const createTestDatabase = async (stores: TestStores): Promise<TestDatabase> => {
  const name = `${runPrefixOf(stores.runId)}_${randomBytes(6).toString('hex')}`;
  await withAdmin(stores, async (admin) => {
    const statement = `create database ${admin.escapeIdentifier(name)} template ${admin.escapeIdentifier(stores.templateDatabase)}`;
    const deadlineAt = performance.now() + CREATE_TIMEOUT_MS;
    for (;;) {
      try {
        await admin.query(statement);
        return;
      } catch (error) {
        // "source database is being accessed by other users": a vacuum worker may hold it for a moment.
        const isBusy = error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE;
        if (!isBusy || performance.now() > deadlineAt) throw error;
        await pause(100);
      }
    }
  });
  const database: TestDatabase = {
    name,
    url: urlOfDatabase(stores.adminUrl, name),
    drop: async () => {
      if (undropped.delete(database)) await withAdmin(stores, (admin) => dropClosed(admin, name));
    },
  };
  undropped.add(database);
  return database;
};

/**
 * What every Redis key, queue and connection name of one test file begins with, so that files can share
 * a server. Holds no colon, and is unique at each call.
 */
export const redisPrefix = (stores: TestStores): string =>
  `${runPrefixOf(stores.runId)}_${randomBytes(6).toString('hex')}`;

/** Drops what the file created and left; resolves to a sentence for each database that was still in use. */
export const dropRemainingDatabases = async (): Promise<string[]> => {
  const problems: string[] = [];
  for (const database of undropped) {
    await database
      .drop()
      .catch((error: unknown) => problems.push(error instanceof Error ? error.message : String(error)));
  }
  return problems;
};

const dropClosed = async (admin: pg.Client, name: string): Promise<void> => {
  const open = await connectionsAfterGrace(admin, name);
  await admin.query(`drop database if exists ${admin.escapeIdentifier(name)} with (force)`);
  if (open.length > 0) {
    throw new Error(`${open.length} connection(s) to the test database are still open: ${open.join('; ')}`);
  }
};

const connectionsAfterGrace = async (admin: pg.Client, name: string): Promise<string[]> => {
  const deadlineAt = performance.now() + CLOSE_GRACE_MS;
  for (;;) {
    const { rows } = await admin.query<{ description: string }>(
      `select format('%s (%s), last statement: %s', coalesce(nullif(application_name, ''), 'unnamed'), state,
         left(regexp_replace(query, '\\s+', ' ', 'g'), 120)) as description
       from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [name],
    );
    if (rows.length === 0 || performance.now() > deadlineAt)
      return rows.map(({ description }) => description);
    await pause(25);
  }
};

const withAdmin = async <T>(stores: TestStores, use: (admin: pg.Client) => Promise<T>): Promise<T> => {
  const admin = new pg.Client({
    connectionString: stores.adminUrl,
    connectionTimeoutMillis: 10_000,
    query_timeout: CREATE_TIMEOUT_MS,
    application_name: 'test-database',
  });
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.end();
  }
};

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));
