import { waitUntil } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { ApiClient } from '../src/api-client.ts';
import type { Answer } from '../src/http-client.ts';
import { redisSettings, type RunningApi, type Settings } from '../src/installation.ts';
import { emptyRedis } from '../src/redis-keys.ts';
import { openScene, type Scene } from './support/scene.ts';

const most = 4;
const settings: Settings = { RATE_LIMIT_ADDRESS: `${most}/600`, RATE_LIMIT_IP: 'off' };

const asOftenAsAllowed = (client: ApiClient, email: string): Promise<readonly Answer[]> =>
  Promise.all(Array.from({ length: most }, () => client.resend(email)));

/** How many processes wait until they may write a message. */
const waitingWriters = async (client: pg.Client): Promise<number> => {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(DISTINCT pid)::int AS count FROM pg_locks
      WHERE NOT granted AND relation = 'messages'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows[0]?.count ?? 0;
};

/** As many as are allowed by one process while nothing can be committed, then Redis forgets, then as many by another. */
const askAroundForgetting = async (
  scene: Scene,
  redisUrl: string,
  [one, other]: readonly ApiClient[],
  email: string,
): Promise<readonly Answer[]> => {
  if (one === undefined || other === undefined) throw new Error('two processes are asked');
  const admin = new pg.Client({ connectionString: scene.databaseUrl });
  await admin.connect();
  try {
    // Rows can be read meanwhile, as in the moment before a slow commit.
    await admin.query('BEGIN; LOCK TABLE messages IN SHARE MODE');
    const first = asOftenAsAllowed(one, email);
    await waitUntil('all are charged', async () => (await one.cooldownSeconds(email)) > 0, 10_000);
    await emptyRedis(redisUrl, scene.redisPrefix);
    const second = asOftenAsAllowed(other, email);
    await waitUntil('both wait for their commit', async () => (await waitingWriters(admin)) === 2, 10_000);
    await admin.query('COMMIT');
    return (await Promise.all([first, second])).flat();
  } finally {
    await admin.end();
  }
};

const statusesOf = (answers: readonly Answer[]): readonly number[] =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b);

describeWithRedis('what Redis let through and forgot before it was a row', (redisUrl) => {
  const startTwo = async (scene: Scene): Promise<readonly ApiClient[]> => {
    const apis: readonly RunningApi[] = await Promise.all([scene.startApi(), scene.startApi()]);
    return apis.map(({ client }) => client);
  };

  test('is no row any more: no more are accepted than the limit allows', async () => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const clients = await startTwo(scene);
    const email = 'somebody@example.com';
    const answers = await askAroundForgetting(scene, redisUrl, clients, email);
    expect(statusesOf(answers)).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
    for (const { status, headers } of answers)
      if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(500);
    expect(await clients[0]?.messages()).toHaveLength(most);
    for (const client of clients) expect((await client.resend(email)).status).toBe(429);
  });

  test('is accepted beside the others if the rows take whatever comes: so the check above can fail', async () => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const clients = await startTwo(scene);
    const admin = new pg.Client({ connectionString: scene.databaseUrl });
    await admin.connect();
    await admin.query(`CREATE OR REPLACE FUNCTION holds_limit_memory(memory bigint) RETURNS boolean
      LANGUAGE sql AS 'SELECT true'`);
    await admin.end();
    const answers = await askAroundForgetting(scene, redisUrl, clients, 'somebody@example.com');
    expect(statusesOf(answers)).toEqual(Array.from({ length: 2 * most }, () => 200));
  });
});
