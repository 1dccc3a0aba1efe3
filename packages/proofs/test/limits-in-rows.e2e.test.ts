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

type Ask = (client: ApiClient, email: string) => Promise<readonly Answer[]>;

interface Burst {
  readonly what: string;
  readonly ask: Ask;
  /** Connections that write them. */
  readonly writers: number;
  readonly accepted: readonly number[];
}

const resendAsOftenAsAllowed: Ask = (client, email) =>
  Promise.all(Array.from({ length: most }, () => client.resend(email)));

/** The message of a registration is written with its account, in a transaction of its own. */
const registerAndResend: Ask = (client, email) =>
  Promise.all([client.register(email), ...Array.from({ length: most - 1 }, () => client.resend(email))]);

/** How many connections wait until they may write a message, or until others have written theirs. */
const waitingWriters = async (client: pg.Client): Promise<number> => {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(DISTINCT pid)::int AS count FROM pg_locks
      WHERE NOT granted AND (relation = 'messages'::regclass OR (classid, objid) = (18, 1))
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows[0]?.count ?? 0;
};

/** As many as are allowed by one process while nothing can be committed, then Redis forgets, then as many by another. */
const askAroundForgetting = async (
  scene: Scene,
  redisUrl: string,
  [one, other]: readonly ApiClient[],
  { ask, writers }: Burst,
  email: string,
): Promise<readonly Answer[]> => {
  if (one === undefined || other === undefined) throw new Error('two processes are asked');
  const admin = new pg.Client({ connectionString: scene.databaseUrl });
  await admin.connect();
  try {
    // Rows can be read meanwhile, as in the moment before a slow commit.
    await admin.query('BEGIN; LOCK TABLE messages IN SHARE MODE');
    const first = ask(one, email);
    await waitUntil('all are charged', async () => (await one.cooldownSeconds(email)) > 0, 10_000);
    await waitUntil(
      'all wait for their commit',
      async () => (await waitingWriters(admin)) === writers,
      10_000,
    );
    await emptyRedis(redisUrl, scene.redisPrefix);
    const second = resendAsOftenAsAllowed(other, email);
    await waitUntil('the other waits, too', async () => (await waitingWriters(admin)) > writers, 10_000);
    await admin.query('COMMIT');
    return (await Promise.all([first, second])).flat();
  } finally {
    await admin.end();
  }
};

const statusesOf = (answers: readonly Answer[]): readonly number[] =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b);

const bursts: readonly Burst[] = [
  { what: 'asked for again', ask: resendAsOftenAsAllowed, writers: 1, accepted: [200, 200, 200, 200] },
  {
    what: 'registered and asked for again',
    ask: registerAndResend,
    writers: 2,
    accepted: [200, 200, 200, 201],
  },
];

describeWithRedis('what Redis let through and forgot before it was a row', (redisUrl) => {
  const startTwo = async (scene: Scene): Promise<readonly ApiClient[]> => {
    const apis: readonly RunningApi[] = await Promise.all([scene.startApi(), scene.startApi()]);
    return apis.map(({ client }) => client);
  };

  test.each(bursts)(
    'is no row any more: no more are accepted than the limit allows, $what',
    async (burst) => {
      await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
      const clients = await startTwo(scene);
      const email = 'somebody@example.com';
      const answers = await askAroundForgetting(scene, redisUrl, clients, burst, email);
      expect(statusesOf(answers)).toEqual([...burst.accepted, 429, 429, 429, 429]);
      for (const { status, headers } of answers)
        if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(500);
      expect(await clients[0]?.messages()).toHaveLength(most);
      for (const client of clients) expect((await client.resend(email)).status).toBe(429);
    },
  );

  test.each(bursts)(
    'is accepted beside the others if the rows take whatever comes, $what: so the check above can fail',
    async (burst) => {
      await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
      const clients = await startTwo(scene);
      const admin = new pg.Client({ connectionString: scene.databaseUrl });
      await admin.connect();
      await admin.query(`CREATE OR REPLACE FUNCTION holds_limit_memory(memory bigint) RETURNS boolean
      LANGUAGE sql AS 'SELECT true'`);
      await admin.end();
      const answers = await askAroundForgetting(scene, redisUrl, clients, burst, 'somebody@example.com');
      expect(statusesOf(answers)).toEqual([200, 200, 200, 200, ...burst.accepted]);
    },
  );
});
