import pg from 'pg';

// A session that takes longer than this to connect to 127.0.0.1 never will.
const CONNECT_TIMEOUT_MS = 10_000;

const DUPLICATE_DATABASE = '42P04';

/** Creates a database unless it exists. The URL names any existing database of the same server. */
export const createDatabase = async (adminUrl: string, name: string): Promise<void> => {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== DUPLICATE_DATABASE) throw error;
  } finally {
    await client.end();
  }
};
