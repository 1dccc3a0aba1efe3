import { openDatabase, type Database } from '@reconfirm/db/database';
import { migrate } from '@reconfirm/db/migrator';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { ApiClient } from '../src/api-client.ts';
import { redisSettings, type RunningApi } from '../src/installation.ts';
import { addresses, atSteadyRate, untilSettled } from '../src/load.ts';
import { migrateByCommand } from '../src/own-postgres.ts';
import { createRetryingClient } from '../src/retrying-client.ts';
import type { ServiceProcess } from '../src/service-process.ts';
import { registerEach, type Told } from '../src/told.ts';
import { expectOneMailForEach } from './support/one-mail-each.ts';
import { openScene } from './support/scene.ts';

const settings = { RATE_LIMIT_ADDRESS: '2/600', RATE_LIMIT_IP: 'off', SWEEP_INTERVAL_MS: '500' };

/** A busy machine may refuse some that come together with 503, which is not what is tested here. */
const registerAll = async (client: ApiClient, emails: readonly string[]): Promise<void> => {
  const waiting = [...emails];
  while (waiting.length > 0) {
    const some = waiting.splice(0, 5);
    const answers = await Promise.all(some.map((email) => client.register(email)));
    waiting.push(...some.filter((_, index) => answers[index]?.status === 503));
    expect(answers.filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
  }
  await untilSettled(client);
};

const clientOf = ([first]: readonly RunningApi[]): ApiClient => {
  if (first === undefined) throw new Error('No API runs');
  return first.client;
};

const stopInOrder = async (service: ServiceProcess): Promise<void> => {
  expect(await service.terminate()).toMatchObject({ code: 0 });
};

/** What a next version may bring: columns that have a default, tables, indexes and functions. */
const nextVersion = {
  '9999-next-version': {
    up: async (db: Kysely<unknown>): Promise<void> => {
      await sql`ALTER TABLE messages ADD COLUMN next_thing text NOT NULL DEFAULT 'none'`.execute(db);
      await sql`ALTER TABLE accounts ADD COLUMN next_thing text`.execute(db);
      await sql`CREATE TABLE next_things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id uuid)`.execute(
        db,
      );
      await sql`CREATE INDEX messages_next_thing ON messages (next_thing)`.execute(db);
    },
  },
};

const openAdmin = (url: string, lockTimeoutMs: number): { readonly db: Database } & AsyncDisposable => {
  const options = { poolMax: 1, timeoutMs: 60_000, applicationName: 'next-version', onIdleError: () => {} };
  const db = openDatabase({ ...options, url, lockTimeoutMs });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
};

/** Reads a table and keeps its transaction open for so long, as a dump does; resolves once it has the table. */
const readFor = async (url: string, seconds: number): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT count(*) FROM messages');
  const read = async (): Promise<void> => {
    await client.query(`SELECT pg_sleep($1)`, [seconds]);
    await client.end();
  };
  read().catch(() => undefined);
};

interface ToldInTime extends Told {
  readonly slowestMs: number;
}

/** Two hundred registrations in five seconds. */
const underLoad = async (
  client: ApiClient,
  name: string,
  disturb: (index: number) => Promise<void>,
): Promise<ToldInTime> => {
  let slowestMs = 0;
  const timed: ApiClient = {
    ...client,
    register: async (email) => {
      const answer = await client.register(email);
      slowestMs = Math.max(slowestMs, answer.tookMs);
      return answer;
    },
  };
  const told = await registerEach(timed, addresses(name, 200), 40, disturb);
  return { ...told, slowestMs };
};

describeWithRedis('a deploy under load', (redisUrl) => {
  test('that replaces every process one after the other loses nothing, doubles nothing and turns nobody away', async ({
    annotate,
  }) => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const apis: RunningApi[] = await Promise.all([scene.startApi(), scene.startApi()]);
    const workers = await Promise.all([scene.startWorker(), scene.startWorker()]);
    const known = addresses('known', 200);
    await registerAll(clientOf(apis), known);

    const startNext = async (): Promise<void> => {
      apis.push(await scene.startApi());
      await scene.startWorker();
    };
    // However slowly a machine starts processes: the first pair of the next version stands before the load begins.
    const [firstApi, secondApi] = [...apis];
    const [firstWorker, secondWorker] = workers;
    await startNext();
    const caller = createRetryingClient(() => apis.map(({ client }) => client));
    let answered = 0;
    const load = atSteadyRate(known.length, 30, async (index) => {
      const answer = await caller.resend(known[index] ?? '');
      answered += 1;
      return answer;
    });
    load.catch(() => undefined);
    await expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(30);
    const answeredAtStop: number[] = [];
    for (const [oldApi, oldWorker] of [
      [firstApi, firstWorker],
      [secondApi, secondWorker],
    ] as const) {
      if (oldApi === undefined || oldWorker === undefined) throw new Error('two of each were started');
      answeredAtStop.push(answered);
      // A balancer learns late that one is going: it is still asked while it stops.
      await Promise.all([stopInOrder(oldApi), stopInOrder(oldWorker)]);
      apis.splice(apis.indexOf(oldApi), 1);
      if (oldApi === firstApi) await startNext();
    }
    const answers = await load;
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    // The first pair went under load, or the test would show nothing.
    expect(answeredAtStop[0]).toBeLessThan(known.length / 2);
    const client = clientOf(apis);
    await untilSettled(client);
    await expectOneMailForEach(scene.inbox, client, [...known, ...known]);
    expect(new Set((await client.messages()).map(({ status }) => status))).toEqual(new Set(['sent']));
    await annotate(
      `asked again ${caller.retries()} times; stopped after ${answeredAtStop.join(' and ')} of ${known.length}`,
    );
  });

  test('in which a migration meets a dump makes nobody wait long, and what runs is not disturbed by a newer schema', async ({
    annotate,
  }) => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const { client } = await scene.startApi();
    await scene.startWorker();
    await using admin = openAdmin(scene.databaseUrl, 500);
    let applied: Promise<readonly string[]> | undefined;
    const told = await underLoad(client, 'migrated', async (index) => {
      if (index === 20) await readFor(scene.databaseUrl, 3);
      if (index === 40) applied = migrate(admin.db, nextVersion);
    });
    // It is what ran in the middle, or the test would show nothing.
    expect(await applied).toEqual(['9999-next-version']);
    expect(told.refused).toEqual([]);
    // The migration of the version that runs, as after a rollback of the code, and a process that starts anew.
    await migrateByCommand(scene.databaseUrl);
    const later = await scene.startApi();
    await untilSettled(later.client);
    await expectOneMailForEach(scene.inbox, later.client, told.accepted);
    await annotate(`the longest answer took ${told.slowestMs.toFixed(0)} ms`);
  });

  test('in which a migration waits for a dump as Postgres has it makes everybody wait: the check above can fail', async () => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const { client } = await scene.startApi();
    // No limit: the table is asked for until it is free, and all who want it stand behind.
    await using admin = openAdmin(scene.databaseUrl, 0);
    let applied: Promise<readonly string[]> | undefined;
    const told = await underLoad(client, 'blocked', async (index) => {
      if (index === 20) await readFor(scene.databaseUrl, 3);
      if (index === 40) applied = migrate(admin.db, nextVersion);
    });
    await applied;
    expect(told.refused.length).toBeGreaterThan(0);
  });
});
