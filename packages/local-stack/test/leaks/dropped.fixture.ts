import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase, testStores } from '../../src/testing.ts';

const database = await createTestDatabase(testStores());
afterAll(() => database.drop());

test('drops a database that it is connected to', async () => {
  const client = new pg.Client({ connectionString: database.url, application_name: 'forgotten-client' });
  client.on('error', () => undefined);
  await client.connect();
  expect((await client.query('select 1')).rowCount).toBe(1);
});
