import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, testStores, type TestDatabase } from '../../src/testing.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase(testStores());
  pool = new pg.Pool({ connectionString: database.url });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('a file that closes everything passes, whatever it used', async () => {
  await Promise.all([pool.query('select 1'), pool.query('select 1')]);
  const server = createServer((_, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const response = await fetch(`http://127.0.0.1:${address.port}/`);
  expect(await response.text()).toBe('hello');
  server.close();
  server.closeAllConnections();
  await once(spawn(process.execPath, ['--version'], { stdio: 'pipe' }), 'close');
});
