import { setTimeout as delay } from 'node:timers/promises';
import { openTcpProxy, waitUntil } from '@reconfirm/local-stack';
import { createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { acceptMessages, type MessageRequest } from '../src/accept-messages.ts';
import { type Database, isUnavailable, openDatabase, wasNotWritten } from '../src/database.ts';
import {
  answerMs,
  createWaitBudget,
  outlastBudget,
  spendOnOther,
  waitBudget,
  WaitBudgetSpent,
  withWaitBudget,
} from '../src/wait-budget.ts';
import { createAccount, newEmail, requestFor } from './support/rows.ts';

/** So much in all, for whatever is waited for. */
const within = <T>(totalMs: number, work: () => Promise<T>): Promise<T> =>
  withWaitBudget(createWaitBudget(totalMs - answerMs), work);

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );

describe('the time that a request has', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  test('goes by while it waits and at no other time, and once for waits at the same time', async () => {
    const budget = createWaitBudget(1000);
    await vi.advanceTimersByTimeAsync(700);
    expect(budget.leftMs()).toBe(1000 + answerMs);
    const waits = Promise.all([300, 200].map((ms) => budget.spend(() => sleep(ms))));
    await vi.advanceTimersByTimeAsync(250);
    expect(budget.leftMs(), 'in the middle').toBe(750 + answerMs);
    await vi.advanceTimersByTimeAsync(450);
    await waits;
    expect(budget.leftMs()).toBe(700 + answerMs);
  });

  test('ends a wait, and what comes too late is handed over to be given back', async () => {
    const budget = createWaitBudget(1000);
    const given: unknown[] = [];
    const late = errorOf(
      budget.within(
        sleep(2000).then(() => 'late'),
        { tooLate: (result) => given.push(result) },
      ),
    );
    await vi.advanceTimersByTimeAsync(1000 + answerMs);
    expect(await late).toBeInstanceOf(WaitBudgetSpent);
    await vi.advanceTimersByTimeAsync(1000);
    expect(given).toEqual(['late']);
    expect(await errorOf(budget.within(sleep(1)))).toBeInstanceOf(WaitBudgetSpent);
  });

  test('does not end what has to be done, nor keeps the request waiting for it', async () => {
    const budget = createWaitBudget(1000);
    let done = 0;
    const work = async (): Promise<void> => {
      expect(waitBudget()).toBeUndefined();
      await sleep(2000);
      done += 1;
    };
    const waited = withWaitBudget(budget, () => outlastBudget(work));
    await vi.advanceTimersByTimeAsync(1000 + answerMs);
    await waited;
    expect(done).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toBe(1);
    // With nothing left it is begun all the same.
    await withWaitBudget(budget, () => outlastBudget(work));
    await vi.advanceTimersByTimeAsync(2000);
    expect(done).toBe(2);
  });

  test('goes by, too, while something is waited for that has a deadline of its own', async () => {
    const budget = createWaitBudget(1000);
    const other = withWaitBudget(budget, () => spendOnOther(() => sleep(5000)));
    await vi.advanceTimersByTimeAsync(5000);
    await other;
    expect(budget.leftMs()).toBe(answerMs - 4000);
  });
});

describe('a statement for a request', async () => {
  const database = await createTestDatabase(testStores());
  afterAll(() => database.drop());

  const openPool = (url: string, poolMax: number): Database => {
    const db = openDatabase({
      url,
      poolMax,
      timeoutMs: 15_000,
      applicationName: 'wait-budget',
      onIdleError: () => {},
    });
    afterAll(() => db.destroy());
    return db;
  };
  const one = openPool(database.url, 1);
  const beside = openPool(database.url, 3);

  const pidOf = async (db: Database): Promise<number | undefined> =>
    (await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)).rows[0]?.pid;

  const untilGone = (pid: number | undefined): Promise<void> =>
    waitUntil('the server has noticed', async () => {
      const { rows } = await sql`SELECT FROM pg_stat_activity WHERE pid = ${pid}`.execute(beside);
      return rows.length === 0;
    });

  const isWritten = async ({ id }: MessageRequest): Promise<boolean> =>
    (await beside.selectFrom('messages').select('id').where('id', '=', id).execute()).length === 1;

  test('is waited for no longer than the request has time, and its connection is not used again', async () => {
    const pid = await pidOf(one);
    const startedAtMs = performance.now();
    const error = await errorOf(within(400, () => sql`SELECT pg_sleep(12)`.execute(one)));
    expect(performance.now() - startedAtMs).toBeLessThan(6000);
    expect([isUnavailable(error), wasNotWritten(error)], 'it may have done its work').toEqual([true, false]);
    expect(await pidOf(one)).not.toBe(pid);
  });

  test('has what the statements before it have left', async () => {
    const answers = await within(2000, async () => {
      const first = await errorOf(sql`SELECT pg_sleep(0.3)`.execute(one));
      return [first, await errorOf(sql`SELECT pg_sleep(12)`.execute(one)), waitBudget()?.leftMs()];
    });
    expect(answers).toEqual([expect.anything(), expect.any(Error), expect.any(Number)]);
    expect(answers[0]).toBe('no error');
    expect(Number(answers[2])).toBeLessThanOrEqual(5);
  });

  test('is not sent when no connection is free in time, and the one that comes then is free for others', async () => {
    const held = one.transaction().execute(async (tx) => {
      await sql`SELECT 1`.execute(tx);
      const error = await errorOf(within(300, () => pidOf(one)));
      expect(error).toBeInstanceOf(WaitBudgetSpent);
      expect([isUnavailable(error), wasNotWritten(error)]).toEqual([true, true]);
    });
    await held;
    expect(await pidOf(one)).toBe(await pidOf(one));
  });

  test('of a transaction that is cut short is certainly not written, and no rollback is waited for', async () => {
    const pid = await pidOf(one);
    let id = '';
    const startedAtMs = performance.now();
    const error = await errorOf(
      within(600, () =>
        one.transaction().execute(async (tx) => {
          ({ id } = await createAccount(tx));
          await sql`SELECT pg_sleep(3)`.execute(tx);
        }),
      ),
    );
    expect(performance.now() - startedAtMs).toBeLessThan(2900);
    expect([isUnavailable(error), wasNotWritten(error)]).toEqual([true, true]);
    await untilGone(pid);
    expect(id).not.toBe('');
    expect(await beside.selectFrom('accounts').select('id').where('id', '=', id).execute()).toEqual([]);
  });

  test('that has no time left for its COMMIT is rolled back, at nobody’s expense, on a connection that stays', async () => {
    const pid = await pidOf(one);
    let id = '';
    const error = await errorOf(
      within(1000, () =>
        one.transaction().execute(async (tx) => {
          ({ id } = await createAccount(tx));
          await spendOnOther(() => delay(1100));
        }),
      ),
    );
    expect(error).toBeInstanceOf(WaitBudgetSpent);
    expect(wasNotWritten(error)).toBe(true);
    expect(await pidOf(one)).toBe(pid);
    expect(id).not.toBe('');
    expect(await one.selectFrom('accounts').select('id').where('id', '=', id).execute()).toEqual([]);
  });

  test('begins only while there is time to use its turn', () => {
    const budget = createWaitBudget(1500);
    expect([budget.leftMs(), budget.leftToBeginMs()]).toEqual([1750, 1000]);
    const small = createWaitBudget(100);
    expect([small.leftMs(), small.leftToBeginMs()]).toEqual([350, 300]);
    expect(createWaitBudget(6000).leftMs()).toBe(7000);
  });

  test('whose COMMIT is not answered may be written', async () => {
    await using proxy = await openTcpProxy(database.url);
    const db = openDatabase({
      url: proxy.url,
      poolMax: 1,
      timeoutMs: 15_000,
      applicationName: 'wait-budget',
      onIdleError: () => {},
    });
    await pidOf(db);
    void proxy.shutAt('commit');
    const error = await errorOf(within(1500, () => db.transaction().execute((tx) => createAccount(tx))));
    expect([isUnavailable(error), wasNotWritten(error)]).toEqual([true, false]);
    await db.destroy();
  });

  /** A request is accepted while somebody holds the table, after 400 of its 1,000 ms have gone by like this. */
  const acceptLocked = async (before: () => Promise<unknown>) => {
    const request = requestFor(newEmail());
    const pid = await pidOf(one);
    const error = await beside.transaction().execute(async (tx) => {
      await sql`LOCK TABLE messages IN ACCESS EXCLUSIVE MODE`.execute(tx);
      return errorOf(
        within(1000, async () => {
          await before();
          return acceptMessages(one, [request]);
        }),
      );
    });
    await untilGone(pid);
    return { wasNotWritten: wasNotWritten(error), isWritten: await isWritten(request) };
  };

  test('of a batch that comes late is certainly not written, and one in time is as long in doubt as the server may go on', async () => {
    const elsewhere = () => spendOnOther(() => delay(400));
    expect(await acceptLocked(elsewhere)).toEqual({ wasNotWritten: true, isWritten: false });
    // Not waited for: what is accepted waits for this connection.
    const forConnection = async () => void one.connection().execute(() => delay(400));
    expect(await acceptLocked(forConnection)).toEqual({ wasNotWritten: true, isWritten: false });
    // Here the server goes on for 15 s, ten times as long as we listen; in the API it ends the statement first.
    expect(await acceptLocked(async () => undefined)).toEqual({ wasNotWritten: false, isWritten: true });
  });

  test.each(['alone', 'in a transaction of its caller'])(
    'of a batch that comes late is written %s',
    async (how) => {
      const request = requestFor(newEmail());
      await within(5000, async () => {
        await spendOnOther(() => delay(400));
        const accept = (db: Database) => acceptMessages(db, [request]);
        expect(await (how === 'alone' ? accept(one) : one.transaction().execute(accept))).toEqual([
          'accepted',
        ]);
      });
      expect(await isWritten(request)).toBe(true);
    },
  );
});
