import { readdir } from 'node:fs/promises';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { type Database, isLockBusy, isRetryable } from './database.ts';

const folder = new URL('./migrations/', import.meta.url);

/** Every file of `migrations/` in the order of its number; a file that is no migration throws. */
const provider: MigrationProvider = {
  async getMigrations() {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).toSorted();
    const loaded = names.map(async (name): Promise<[string, Migration]> => {
      const module = (await import(new URL(name, folder).href)) as Partial<Migration>;
      if (typeof module.up !== 'function') throw new Error(`migrations/${name} exports no function up`);
      return [name.replace(/\.ts$/, ''), { up: module.up }];
    });
    return Object.fromEntries(await Promise.all(loaded));
  },
};

/** What a later version brings besides; for tests of a schema that is ahead of its processes. */
export type LaterMigrations = Readonly<Record<string, Migration>>;

const migrator = (db: Database, later: LaterMigrations = {}): Migrator =>
  new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...(await provider.getMigrations()), ...later }) },
  });

/** Of waiting for tables that are in use: as long as a nightly dump may take. */
const patienceMs = 1_800_000;
/** What queued up behind an attempt gets through before the next one. */
const betweenAttemptsMs = 1000;

/**
 * Brings the schema up to date in one transaction and tells the names of what was applied; nothing, where
 * a later version has been here before. Safe to run from several processes at once, a lock in the
 * database lets one go first, and beside processes at work: an attempt that meets a lock that somebody
 * keeps for longer than the pool's `lockTimeoutMs` is rolled back and made again, so that all who want
 * the table wait behind it no longer than that. Throws on failure.
 */
export const migrate = async (db: Database, later: LaterMigrations = {}): Promise<readonly string[]> => {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    // Kysely takes migrations that only the database knows for a corruption; after a rollback of the code they are none.
    if ((await pendingMigrations(db, later)).length === 0) return [];
    const { error, results = [] } = await migrator(db, later).migrateToLatest();
    if (error === undefined) return results.map((result) => result.migrationName);
    const isBusy = isLockBusy(error) || isRetryable(error);
    if (!isBusy || performance.now() > endMs) throw error;
    await new Promise((resolve) => setTimeout(resolve, betweenAttemptsMs));
  }
};

/** Names of migrations that this version of the code brings and the database lacks. */
export const pendingMigrations = async (
  db: Database,
  later: LaterMigrations = {},
): Promise<readonly string[]> => {
  const all = await migrator(db, later).getMigrations();
  return all.filter((migration) => migration.executedAt === undefined).map((migration) => migration.name);
};

/** What keeps a process from working with this database, as sentences; empty when nothing does. Never throws. */
export const databaseProblems = async (db: Database): Promise<readonly string[]> => {
  try {
    const pending = await pendingMigrations(db);
    return pending.length === 0 ? [] : [`the database lacks migrations: ${pending.join(', ')}`];
  } catch {
    return ['the database does not answer'];
  }
};
