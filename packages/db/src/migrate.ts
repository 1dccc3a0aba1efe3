import { databaseErrorCode, openDatabase } from './database.ts';
import { migrate } from './migrator.ts';

const usage = `Usage: node packages/db/src/migrate.ts

Brings the schema of the database at DATABASE_URL up to date. Safe to repeat, to run in parallel and while the
services are at work: it waits for tables that are in use, and steps back every half second to let others through.
Exit code 0: current. 78: DATABASE_URL is missing. 1: the database said no; the reason is printed.`;

/** Less than the third part of DATABASE_TIMEOUT_MS: whoever queues behind a migration still has time to be served. */
const lockTimeoutMs = 500;

/** The command: `pnpm migrate`. Statements may take long here, unlike in the services. */
const main = async (): Promise<number> => {
  if (process.argv.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const url = process.env['DATABASE_URL'];
  if (url === undefined || !URL.canParse(url)) {
    console.error('DATABASE_URL is required, for instance postgres://user:password@host:5432/database');
    return 78;
  }
  const db = openDatabase({
    url,
    poolMax: 1,
    timeoutMs: 600_000,
    lockTimeoutMs,
    applicationName: 'reconfirm-migrate',
    onIdleError: () => {},
  });
  try {
    const applied = await migrate(db);
    console.log(applied.length === 0 ? 'The schema is current.' : `Applied ${applied.join(', ')}.`);
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`The database could not be migrated (${databaseErrorCode(error) ?? 'no code'}): ${reason}`);
    return 1;
  } finally {
    await db.destroy();
  }
};

process.exitCode = await main();
