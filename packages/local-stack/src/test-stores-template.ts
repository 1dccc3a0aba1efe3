import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { StackError } from './stack-error.ts';
import { runPrefixOf } from './test-stores-names.ts';
import type { OpenedStores } from './test-stores-sources.ts';

const MIGRATE_COMMAND = fileURLToPath(new URL('../../db/src/migrate.ts', import.meta.url));
const MIGRATE_TIMEOUT_MS = 60_000;
// The official image starts a server for its own set-up before the real one: until then a connection is refused.
const READY_TIMEOUT_MS = 30_000;
// A server that is gone at the end of a run needs no cleaning.
const CLEANING_CONNECT_TIMEOUT_MS = 1000;

/**
 * Makes the database that test databases are copied from: empty, migrated once, and closed to connections,
 * because CREATE DATABASE refuses a template that somebody is connected to. Returns its name.
 */
export const createTemplateDatabase = async (stores: OpenedStores, runId: string): Promise<string> => {
  const name = `${runPrefixOf(runId)}_template`;
  const client = await connectWhenReady(stores.databaseUrl('postgres'), READY_TIMEOUT_MS);
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
    await migrate(stores.databaseUrl(name));
    await client.query(`alter database ${client.escapeIdentifier(name)} with allow_connections false`);
  } finally {
    await client.end();
  }
  return name;
};

const connectWhenReady = async (url: string, timeoutMs: number): Promise<pg.Client> => {
  const deadlineAt = performance.now() + timeoutMs;
  for (;;) {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5000,
      query_timeout: 30_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (performance.now() > deadlineAt) {
        throw new StackError('not_ready', `Postgres did not answer within ${timeoutMs / 1000} s.`, {
          cause: error,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
};

const migrate = async (databaseUrl: string): Promise<void> => {
  const child = spawn(process.execPath, [MIGRATE_COMMAND], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MIGRATE_TIMEOUT_MS,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = await once(child, 'close');
  if (code !== 0) {
    const reason = signal === null ? `code ${String(code)}` : `signal ${String(signal)}`;
    throw new StackError(
      'migration_failed',
      `The migrations of the template database failed (${reason}):\n${output}`,
    );
  }
};

/**
 * Removes what the run left on stores that live longer than it. Stores that the run started itself need
 * none of this: they are thrown away.
 */
export const removeRunData = async (stores: OpenedStores, runId: string): Promise<void> => {
  if (stores.source !== 'given') return;
  await removeDatabases(stores.databaseUrl('postgres'), runPrefixOf(runId));
  if (stores.redisUrl !== undefined) await removeKeys(stores.redisUrl, runPrefixOf(runId));
};

const removeDatabases = async (url: string, prefix: string): Promise<void> => {
  const client = await connectWhenReady(url, CLEANING_CONNECT_TIMEOUT_MS);
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) {
      await client.query(`drop database if exists ${client.escapeIdentifier(datname)} with (force)`);
    }
  } finally {
    await client.end();
  }
};

const removeKeys = async (url: string, prefix: string): Promise<void> => {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 5000, commandTimeout: 5000 });
  redis.on('error', () => undefined);
  try {
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', 1000);
      if (keys.length > 0) await redis.unlink(keys);
      cursor = next;
    } while (cursor !== '0');
  } finally {
    redis.disconnect();
  }
};
