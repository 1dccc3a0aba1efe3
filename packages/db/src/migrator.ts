import { readdir } from 'node:fs/promises';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import type { Database } from './database.ts';

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

const migrator = (db: Database): Migrator => new Migrator({ db, provider });

/**
 * Brings the schema up to date in one transaction and tells the names of what was applied. Safe to
 * run from several processes at once: a lock in the database lets one go first. Throws on failure.
 */
export const migrate = async (db: Database): Promise<readonly string[]> => {
  const { error, results = [] } = await migrator(db).migrateToLatest();
  if (error !== undefined) throw error;
  return results.map((result) => result.migrationName);
};

/** Names of migrations that this version of the code brings and the database lacks. */
export const pendingMigrations = async (db: Database): Promise<readonly string[]> => {
  const all = await migrator(db).getMigrations();
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
