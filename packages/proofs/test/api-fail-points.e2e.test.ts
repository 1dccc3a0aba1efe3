import { Client } from 'pg';
import { expect, test } from 'vitest';
import { waitUntil } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import type { ApiClient } from '../src/api-client.ts';
import type { Answer } from '../src/http-client.ts';
import { redisSettings } from '../src/installation.ts';
import { addresses, untilSettled } from '../src/load.ts';
import { makeReport, postReport, variablesOf } from '../src/mailgun-webhook.ts';
import { countByRecipient, nextMail } from '../src/mails.ts';
import { messagesWithJob } from '../src/redis-keys.ts';
import { openScene, type Scene } from './support/scene.ts';

/** Callers that ask together, and how often that is done at each point. */
const callerCount = 5;
const repeats = Number(process.env['FAILPOINT_REPEATS'] ?? 1);

/** A registration and one resend: a repetition that was counted as another request would be refused. */
const settings = {
  RATE_LIMIT_ADDRESS: '2/600',
  RATE_LIMIT_IP: 'off',
  SWEEP_INTERVAL_MS: '200',
  // A machine that is slow refuses nothing.
  DATABASE_TIMEOUT_MS: '20000',
};

/** Undefined when the connection broke and no answer came. */
const resend = (client: ApiClient, address: string): Promise<Answer | undefined> =>
  client
    .ask('POST', '/v1/resend-verification', {
      headers: { 'idempotency-key': `resend-of-${address}` },
      json: { email: address },
    })
    .catch(() => undefined);

interface Struck {
  readonly address: string;
  readonly isAnswered: boolean;
  /** Besides the message of the registration. */
  readonly isWritten: boolean;
  readonly isRung: boolean;
}

/** Has registered callers ask a new API for another mail, all at once, and that API die at the point. */
const strike = async (
  scene: Scene,
  client: ApiClient,
  point: string,
  callers: readonly string[],
  redisUrl: string,
): Promise<readonly Struck[]> => {
  const api = await scene.startApi({ FAILPOINT: point });
  const answers = await Promise.all(callers.map((address) => resend(api.client, address)));
  await api.diedAt(point);
  const rung = await messagesWithJob(redisUrl, scene.redisPrefix);
  return Promise.all(
    callers.map(async (address, index) => {
      const [newest, ...older] = await client.messages({ address });
      const isWritten = older.length > 0;
      return {
        address,
        isAnswered: answers[index]?.status === 200,
        isWritten,
        isRung: isWritten && newest !== undefined && rung.has(newest.id),
      };
    }),
  );
};

const register = async (client: ApiClient, callers: readonly string[]): Promise<void> => {
  for (const address of callers) expect((await client.register(address)).status).toBe(201);
};

/** Who has no answer asks again with the same key, by way of a process that lives. */
const askAgain = async (client: ApiClient, struck: readonly Struck[]): Promise<void> => {
  for (const { address, isAnswered } of struck) {
    if (!isAnswered) expect((await resend(client, address))?.status).toBe(200);
    expect(await client.messages({ address })).toHaveLength(2);
  }
};

const count = (struck: readonly Struck[], key: 'isAnswered' | 'isWritten' | 'isRung'): number =>
  struck.filter((one) => one[key]).length;

const callersAt = (point: string): readonly string[] =>
  addresses(point.replace(/^.*\./, ''), callerCount * repeats);

/** One process after the other dies at the point, each under callers of its own. */
const strikeEach = async (
  scene: Scene,
  client: ApiClient,
  point: string,
  redisUrl: string,
): Promise<readonly Struck[]> => {
  const struck: Struck[] = [];
  const callers = callersAt(point);
  for (let index = 0; index < callers.length; index += callerCount) {
    const own = callers.slice(index, index + callerCount);
    struck.push(...(await strike(scene, client, point, own, redisUrl)));
  }
  return struck;
};

const reportsOf = async (client: ApiClient, messageId: string): Promise<number> =>
  (await client.story(messageId)).timeline.filter(({ what }) => what === 'The receiving server took it.')
    .length;

describeWithRedis('an API killed at any point of a request', (redisUrl) => {
  test('who got no answer asks again with the key, and each is sent one mail', async ({ annotate }) => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const { client } = await scene.startApi();
    await register(client, ['api.before_commit', 'api.after_commit', 'api.after_ring'].flatMap(callersAt));

    const before = await strikeEach(scene, client, 'api.before_commit', redisUrl);
    expect([count(before, 'isAnswered'), count(before, 'isWritten')]).toEqual([0, 0]);
    const committed = await strikeEach(scene, client, 'api.after_commit', redisUrl);
    expect([count(committed, 'isAnswered'), count(committed, 'isRung')]).toEqual([0, 0]);
    expect(count(committed, 'isWritten')).toBeGreaterThanOrEqual(repeats);
    const rung = await strikeEach(scene, client, 'api.after_ring', redisUrl);
    expect(count(rung, 'isRung')).toBeGreaterThanOrEqual(repeats);

    const struck = [...before, ...committed, ...rung];
    await askAgain(client, struck);
    await scene.startWorker();
    await untilSettled(client);
    // The message of the registration was superseded before anybody sent it.
    const sent = await countByRecipient(scene.inbox);
    for (const { address } of struck) expect([address, sent.get(address)]).toEqual([address, 1]);
    await annotate(
      `of ${callerCount * repeats} callers at each point: ${count(committed, 'isWritten')} written and not answered, ${count(rung, 'isRung')} rung`,
    );
  });

  test('who was answered is sent the mail though nobody was rung and a sweep died at it too', async ({
    annotate,
  }) => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const { client } = await scene.startApi();
    const callers = callersAt('api.after_reply');
    const first = await scene.startWorker();
    await register(client, callers);
    await untilSettled(client);
    await first.terminate();

    let unrungCount = 0;
    for (let index = 0; index < callers.length; index += callerCount) {
      // It finds nothing to do until the messages are due that nobody was rung for.
      const sweeping = await scene.startWorker({ FAILPOINT: 'sweep.after_mark' });
      const own = callers.slice(index, index + callerCount);
      const struck = await strike(scene, client, 'api.after_reply', own, redisUrl);
      await sweeping.diedAt('sweep.after_mark');
      const written = struck.filter(({ isWritten }) => isWritten);
      expect(written.filter(({ isAnswered }) => isAnswered).length).toBeGreaterThan(0);
      expect(struck.filter(({ isAnswered, isWritten }) => isAnswered && !isWritten)).toEqual([]);
      expect((await messagesWithJob(redisUrl, scene.redisPrefix)).size).toBe(0);
      unrungCount += written.length;

      const worker = await scene.startWorker();
      await untilSettled(client);
      const sent = await countByRecipient(scene.inbox);
      // One mail was for the registration.
      for (const { address } of written) expect([address, sent.get(address)]).toEqual([address, 2]);
      await askAgain(client, struck);
      await untilSettled(client);
      await worker.terminate();
    }
    const sent = await countByRecipient(scene.inbox);
    for (const address of callers) expect([address, sent.get(address)]).toEqual([address, 2]);
    await annotate(`${unrungCount} of ${callers.length} requests were written and not rung for`);
  });

  test('a report whose answer was lost is repeated and counts once', async () => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const { client } = await scene.startApi();
    await scene.startWorker();
    for (const address of addresses('ada', repeats)) {
      await register(client, [address]);
      const mail = await nextMail(scene.inbox, address);
      const messageId = variablesOf(mail).mid;
      const report = makeReport('delivered', mail);
      const api = await scene.startApi({ FAILPOINT: 'webhook.after_insert' });
      await expect(postReport(api.client, report)).rejects.toThrow();
      await api.diedAt('webhook.after_insert');
      expect(await reportsOf(client, messageId)).toBe(1);
      expect((await postReport(client, report)).status).toBe(200);
      expect(await reportsOf(client, messageId)).toBe(1);
      expect(await client.messages({ address })).toMatchObject([{ status: 'delivered' }]);
    }
  });

  test('a statement that was under way is whole or nothing, and its repetition is no second one', async ({
    annotate,
  }) => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...settings });
    const { client } = await scene.startApi();
    const [address = ''] = addresses('ada', 1);
    await register(client, [address]);
    await using database = await connect(scene.databaseUrl);
    // Longer than the test takes: nothing but the death of the process ends its statement.
    const patient = { DATABASE_TIMEOUT_MS: '60000' };

    const asked = await scene.startApi(patient);
    await database.whileLocked('LOCK TABLE messages IN SHARE MODE', async () => {
      const answer = resend(asked.client, address);
      await database.untilOneWaits();
      await asked.kill();
      expect(await answer).toBeUndefined();
    });
    const writtenCount = (await client.messages({ address })).length - 1;
    expect((await resend(client, address))?.status).toBe(200);
    expect(await client.messages({ address })).toHaveLength(2);

    await scene.startWorker();
    const mail = await nextMail(scene.inbox, address);
    const messageId = variablesOf(mail).mid;
    await untilSettled(client);
    const report = makeReport('delivered', mail);
    const told = await scene.startApi(patient);
    await database.whileLocked(`SELECT FROM messages WHERE id = '${messageId}' FOR UPDATE`, async () => {
      const answer = postReport(told.client, report).catch(() => undefined);
      await database.untilOneWaits();
      await told.kill();
      expect(await answer).toBeUndefined();
    });
    const reportCount = await reportsOf(client, messageId);
    expect((await postReport(client, report)).status).toBe(200);
    expect(await reportsOf(client, messageId)).toBe(1);
    const statuses = (await client.messages({ address })).map(({ status }) => status);
    expect(statuses).toEqual(['delivered', 'skipped']);
    expect(await scene.inbox.messages()).toHaveLength(1);
    await annotate(`of the statements of a dead client ${writtenCount + reportCount} of 2 were committed`);
  });
});

interface LockingClient extends AsyncDisposable {
  /** Holds the lock while `work` runs, and comes back when nobody waits for it any more. */
  whileLocked(statement: string, work: () => Promise<void>): Promise<void>;
  untilOneWaits(): Promise<void>;
}

const connect = async (url: string): Promise<LockingClient> => {
  const [locking, looking] = [new Client({ connectionString: url }), new Client({ connectionString: url })];
  await Promise.all([locking.connect(), looking.connect()]);
  const isOneActive = async (where: string): Promise<boolean> => {
    const { rowCount } = await looking.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${where}`,
    );
    return (rowCount ?? 0) > 0;
  };
  let waiting = 0;
  const untilOneWaits = async (): Promise<void> => {
    await waitUntil('a statement waits for the lock', async () => {
      const { rows } = await looking.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      waiting = rows[0]?.pid ?? 0;
      return waiting > 0;
    });
  };
  return {
    untilOneWaits,
    whileLocked: async (statement, work) => {
      await locking.query('BEGIN');
      await locking.query(statement);
      await work();
      await locking.query('ROLLBACK');
      await waitUntil('the statement is over', async () => !(await isOneActive(`pid = ${waiting}`)));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([locking.end(), looking.end()]);
    },
  };
};
