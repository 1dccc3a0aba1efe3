import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase, testStores } from '../../src/testing.ts';

test('leaves a pool open', async () => {
  const database = await createTestDatabase(testStores());
  const pool = new pg.Pool({ connectionString: database.url, application_name: 'forgotten-pool' });
  // The check cuts the connection off at the end; the test ends before that.
  pool.on('error', () => undefined);
  const { rowCount } = await pool.query('select 1');
  expect(rowCount).toBe(1);
});
