import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { waitUntil } from '@reconfirm/local-stack';
import type { Answer } from '../src/http-client.ts';
import { postgresSettings, redisSettings } from '../src/installation.ts';
import { addresses } from '../src/load.ts';
import { reportEvent } from '../src/mailgun-webhook.ts';
import { nextMail, tokenOf } from '../src/mails.ts';
import { openTcpProxy, type TcpProxy } from '@reconfirm/local-stack';
import { startOwnPostgres, type OwnPostgres } from '../src/own-postgres.ts';
import { otherThanAway, registerEach, type Told } from '../src/told.ts';
import { atWork, openWorkplace, type Workplace } from './support/workplace.ts';

/**
 * Promised. What a request waits for has one deadline, at 1,750 ms; what comes on top are turns of processes that are
 * ready, which takes longer the more else the machine does. How long a turn takes is measured at the same time, by
 * a question that needs no store; a few ms where nothing else runs. The real figure is annotated.
 */
const awayMsPromised = 2000;
const turnsOfAnAnswer = 10;
/** Promised: 10 s after the database is back requests are accepted again. */
const recoveredWithinMs = 10_000;

const database = 'on_redis';
const count = 90;
const perSecond = 30;

/** What callers were told, and the slowest answer at the same times to a question that needs no store. */
interface ToldInTurns extends Told {
  readonly turnMs: number;
}

const awayMsMax = ({ turnMs }: Pick<ToldInTurns, 'turnMs'>): number =>
  awayMsPromised + turnsOfAnAnswer * turnMs;

const slowest = (answers: readonly Answer[]): number => Math.max(0, ...answers.map(({ tookMs }) => tookMs));

describeWithRedis('a Postgres in trouble', (redisUrl) => {
  let postgres: OwnPostgres;
  let proxy: TcpProxy;
  let work: Workplace;
  const opened = new AsyncDisposableStack();

  beforeAll(async () => {
    postgres = opened.use(await startOwnPostgres());
    proxy = opened.use(await openTcpProxy(await postgres.createDatabase(database)));
    work = opened.use(await openWorkplace({ ...redisSettings(redisUrl), DATABASE_URL: proxy.url }));
  });
  // A process that died meanwhile fails it.
  afterAll(() => opened.disposeAsync());
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') work.printLogs();
  });

  const all: Told[] = [];
  /** Ninety registrations, thirty a second unless it is said, whatever is done before one of them. */
  const underLoad = async (
    name: string,
    disturb: (index: number) => Promise<unknown>,
    rate = perSecond,
  ): Promise<ToldInTurns> => {
    const turns: Promise<Answer>[] = [];
    const told = await registerEach(work.client, addresses(name, count), rate, async (index) => {
      turns.push(work.client.ask('GET', '/livez'));
      await disturb(index);
    });
    all.push(told);
    return { ...told, turnMs: slowest(await Promise.all(turns)) };
  };
  /** The fault comes with the thirtieth. */
  const load = (name: string, fault: () => Promise<unknown>): Promise<ToldInTurns> =>
    underLoad(name, async (index) => (index === 30 ? fault() : undefined));

  const endBackends = (): Promise<unknown> =>
    postgres.asAdmin((client) =>
      client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
        postgres.role,
      ]),
    );

  const report = (told: ToldInTurns, recoveredMs: number): string =>
    `${told.accepted.length} accepted, ${told.refused.length} refused in at most ${slowest(told.refused).toFixed(0)} ms (a turn up to ${told.turnMs.toFixed(0)} ms), accepting again after ${recoveredMs.toFixed(0)} ms`;

  const expectHonest = (told: ToldInTurns): void => {
    expect(otherThanAway(told.refused)).toEqual([]);
    expect(slowest(told.refused)).toBeLessThan(awayMsMax(told));
  };

  test('a backend that is killed, and the recovery of the whole server after it, lose nothing', async ({
    annotate,
  }) => {
    const told = await load('killed', async () => {
      const { rows } = await postgres.asAdmin((client) =>
        client.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE usename = $1 AND application_name LIKE 'reconfirm-api%' LIMIT 1`,
          [postgres.role],
        ),
      );
      process.kill(rows[0]?.pid ?? Number.NaN, 'SIGKILL');
    });
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    expect(postgres.tail(200).join('\n')).toContain('all server processes terminated; reinitializing');
    expectHonest(told);
    await annotate(report(told, recoveredMs));
  });

  test('while it is stopped everything that needs it answers 503 at once and changes nothing, and what was accepted goes when it is back', async ({
    annotate,
  }) => {
    const known = 'known@example.com';
    const { apiKey } = (await work.client.register(known)).body;
    const mail = await nextMail(work.inbox, known);
    const away: Answer[] = [];
    const told = await load('stopped', async () => {
      await postgres.stopImmediately();
      // From then on no request finds a connection that it could leave in doubt about its row.
      await waitUntil(
        'the API says so',
        async () => (await work.client.ask('GET', '/readyz')).status === 503,
      );
      for (let round = 0; round < 3; round += 1) {
        away.push(
          ...(await Promise.all([
            work.client.resend(known),
            work.client.confirm(tokenOf(mail)),
            work.client.ask('GET', `/v1/verify-email/check?token=${tokenOf(mail)}`),
            reportEvent(work.client, 'delivered', mail),
          ])),
        );
      }
      await waitUntil(
        'the worker says so',
        async () => (await work.worker.ask('GET', '/readyz')).status === 503,
      );
      for (const process of [work.client, work.worker])
        expect((await process.ask('GET', '/livez')).status).toBe(200);
    });
    expect(otherThanAway(away)).toEqual([]);
    await postgres.start();
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    expectHonest(told);
    expect(slowest(away)).toBeLessThan(awayMsMax(told));

    // The refused resend ended no link and used up none of the two that the limit allows.
    expect(await work.client.check(tokenOf(mail))).toEqual({ valid: true, email: known });
    expect(await work.client.me(apiKey)).toMatchObject({ status: 'PENDING_VERIFICATION' });
    // The provider comes again with the report that it could not leave.
    expect((await reportEvent(work.client, 'delivered', mail)).status).toBe(200);
    expect(await work.client.me(apiKey)).toMatchObject({ verificationEmailStatus: 'DELIVERED' });
    expect((await work.client.resend(known)).status).toBe(200);
    expect((await work.client.resend(known)).status).toBe(429);
    await waitUntil(
      'the worker is ready again',
      async () => (await work.worker.ask('GET', '/readyz')).status === 200,
    );
    await annotate(`away: at most ${slowest(away).toFixed(0)} ms; ${report(told, recoveredMs)}`);
  });

  test('all connections ended, again and again, cost no more than the requests of the moment', async ({
    annotate,
  }) => {
    const told = await underLoad('ended', async (index) => (index % 20 === 10 ? endBackends() : undefined));
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    expectHonest(told);
    await annotate(report(told, recoveredMs));
  });

  test('a table that is locked for a moment costs time and nobody', async ({ annotate }) => {
    const told = await load('waited', () =>
      postgres.asAdmin(async (client) => {
        await client.query('BEGIN');
        await client.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
        await client.query('SELECT pg_sleep(0.3)');
        await client.query('ROLLBACK');
      }, database),
    );
    expect(told.refused).toEqual([]);
    await annotate(report(told, 0));
  });

  // Each registration holds a connection while it waits, so that the pool of ten is used up, too.
  test('a table that somebody else holds locked is a 503 in time, and lets go of nobody', async ({
    annotate,
  }) => {
    let released = performance.now();
    const told = await load('locked', () =>
      postgres.asAdmin(async (client) => {
        await client.query('BEGIN');
        await client.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
        await client.query('SELECT pg_sleep(3)');
        await client.query('ROLLBACK');
        released = performance.now();
      }, database),
    );
    await atWork(work.client, recoveredWithinMs);
    expect(told.refused.length).toBeGreaterThan(0);
    expectHonest(told);
    await annotate(report(told, performance.now() - released));
  });

  test('a server without a free connection is a 503 in time, and is used again once there is one', async ({
    annotate,
  }) => {
    const limit = (connections: number) =>
      postgres.asAdmin((client) =>
        client.query(`ALTER ROLE ${postgres.role} CONNECTION LIMIT ${connections}`),
      );
    const told = await load('full', async () => {
      await limit(0);
      await endBackends();
      await waitUntil('nobody gets in', async () => (await work.client.ask('GET', '/readyz')).status === 503);
    });
    await limit(-1);
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    expect(told.refused.length).toBeGreaterThan(0);
    expectHonest(told);
    await annotate(report(told, recoveredMs));
  });

  test('a slow way to it costs time and nobody, and one that is too slow is a 503 in time', async ({
    annotate,
  }) => {
    await proxy.become({ latencyMs: 25 });
    // A registration keeps one of ten connections for some 400 ms then: twice as many could not all be in time.
    const slow = await underLoad('slow', async () => undefined, 10);
    expect(slow.refused).toEqual([]);
    const tooSlow = await load('too-slow', () => proxy.become({ latencyMs: 1500 }));
    expect(tooSlow.refused.length).toBeGreaterThan(0);
    await proxy.become('open');
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    expectHonest(tooSlow);
    await annotate(report(tooSlow, recoveredMs));
  });

  test('a server that goes silent, for new connections too, is a 503 in time on every kind of route, unless it is told to wait for longer', async ({
    annotate,
  }) => {
    const known = 'known-in-silence@example.com';
    const { apiKey } = (await work.client.register(known)).body;
    const mail = await nextMail(work.inbox, known);
    const { client: patient } = await work.installation.startApi({ DATABASE_TIMEOUT_MS: '6000' });
    const bearer = { headers: { authorization: `Bearer ${apiKey}` } };
    const away: Answer[] = [];
    const told = await load('half-open', async () => {
      await proxy.become('silent');
      // The second time there is no connection left that was good once.
      for (let round = 0; round < 2; round += 1) {
        away.push(
          ...(await Promise.all([
            work.client.resend(known),
            work.client.confirm(tokenOf(mail)),
            work.client.ask('GET', `/v1/verify-email/check?token=${tokenOf(mail)}`),
            work.client.ask('GET', '/v1/tenants/me', bearer),
            reportEvent(work.client, 'delivered', mail),
          ])),
        );
      }
    });
    const late = await patient.register('late@example.com');
    await proxy.become('open');
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    expectHonest(told);
    expect(otherThanAway(away)).toEqual([]);
    expect(slowest(away)).toBeLessThan(awayMsMax(told));
    // The same question to an API without the deadline: what is promised would be missed.
    expect(otherThanAway([late])).toEqual([]);
    expect(late.tookMs).toBeGreaterThan(awayMsMax({ turnMs: 0 }));

    // Nothing of it was written or charged, and the link is as good as it was.
    expect(await work.client.check(tokenOf(mail))).toEqual({ valid: true, email: known });
    await annotate(
      `other routes: at most ${slowest(away).toFixed(0)} ms; told to wait for 6 s: ${late.tookMs.toFixed(0)} ms; ${report(told, recoveredMs)}`,
    );
  });

  test('connections that go silent for ever, as when its host is gone, are given up for new ones', async ({
    annotate,
  }) => {
    let forgotten = 0;
    const told = await load('silent', async () => {
      forgotten = proxy.freezeConnections();
    });
    const recoveredMs = await atWork(work.client, recoveredWithinMs);
    // With the pool of dead connections still in use every second request or so would fail.
    const after = await underLoad('after-silence', async () => undefined);
    expect(forgotten).toBeGreaterThan(1);
    expect(after.refused).toEqual([]);
    expectHonest(told);
    await annotate(`${forgotten} connections; ${report(told, recoveredMs)}`);
  });

  test('none of all these requests that was accepted is lost or doubled, and every link works', async () => {
    const accepted = all.flatMap((told) => told.accepted);
    const uncertain = all.flatMap((told) => told.uncertain);
    expect(accepted.length).toBeGreaterThan(0);
    await work.expectNothingLost({ accepted, uncertain, refused: [] });
  });

  test('the queue on Postgres goes and comes back with it', async ({ annotate }) => {
    await using other = await openWorkplace({
      ...postgresSettings,
      DATABASE_URL: await postgres.createDatabase('on_postgres'),
    });
    onTestFailed(() => other.printLogs());
    const turns: Promise<Answer>[] = [];
    const registered = await registerEach(
      other.client,
      addresses('queued', count),
      perSecond,
      async (index) => {
        turns.push(other.client.ask('GET', '/livez'));
        if (index === 30) await postgres.stopImmediately();
        if (index === 60) await postgres.start();
      },
    );
    const told = { ...registered, turnMs: slowest(await Promise.all(turns)) };
    const recoveredMs = await atWork(other.client, recoveredWithinMs);
    expectHonest(told);
    await other.expectNothingLost(told);
    await annotate(report(told, recoveredMs));
  });
});
