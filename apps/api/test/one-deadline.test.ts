import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { openTcpProxy } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { createWaitBudget } from '@reconfirm/db/wait-budget';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AllContracts, openAllContracts } from './dialects/support/all-contracts.ts';
import { type Method, requestsOf, type Route } from './fuzz/route-requests.ts';
import {
  adminKey,
  appOrigin,
  configOf,
  type Installation,
  openInstallation,
} from './support/installation.ts';
import type { OpenApi } from './support/openapi.ts';
import { type Answer, get, newClient, newEmail, resend } from './support/requests.ts';
import { countRows } from './support/rows.ts';
import { closedPort } from './support/unreachable.ts';

/** Promised: a caller has a 503 by then, when Postgres is down, locked, silent or slow. */
const promisedMs = 2000;
/** What an answer needs besides: turns of this process, which is also the one that asks. */
const turnsOfAnAnswer = 10;

/** The defaults of both deadlines. */
const defaults = { DATABASE_TIMEOUT_MS: '1500', LIMITER_TIMEOUT_MS: '150' };

interface Asked {
  readonly name: string;
  readonly answer: Answer;
  readonly tookMs: number;
}

describe('the deadlines of a request', () => {
  it('sum up to less than is promised, with what they are unless they are set', async () => {
    const installation = await openInstallation();
    const { DATABASE_TIMEOUT_MS: _database, LIMITER_TIMEOUT_MS: _limiter, ...rest } = installation.settings;
    const config = configOf(rest);
    // All that it waits for Postgres, and a last call of Redis that began before that was used up.
    const sumMs = createWaitBudget(config.DATABASE_TIMEOUT_MS).leftMs() + config.LIMITER_TIMEOUT_MS;
    await installation.close();
    expect(sumMs).toBe(1900);
    expect(sumMs).toBeLessThan(promisedMs);
    expect(String(config.DATABASE_TIMEOUT_MS)).toBe(defaults.DATABASE_TIMEOUT_MS);
    expect(String(config.LIMITER_TIMEOUT_MS)).toBe(defaults.LIMITER_TIMEOUT_MS);
  });
});

describe('a silent Postgres', () => {
  let scene: AllContracts;
  const routes: Route[] = [];
  let known: (name: string) => readonly string[];
  let credentials: readonly Readonly<Record<string, string>>[];

  beforeAll(async () => {
    scene = await openAllContracts({ GOTRUE_PHONE: 'on', SMS_COUNTRIES: 'DK', RATE_LIMIT_ADDRESS: '20/60' });
    for (const name of ['v1', 'gotrue', 'singularity', 'entryguard']) {
      const { paths } = (await get(scene.api, `/openapi/${name}.json`)).json<OpenApi>();
      for (const [path, methods] of Object.entries(paths))
        for (const [method, operation] of Object.entries(methods))
          // The doctor asks name servers, for as long as they take.
          if (path !== '/v1/admin/doctor')
            routes.push({ method: method.toUpperCase() as Method, path, operation });
    }
    const user = await scene.newUser();
    credentials = [
      { authorization: `Bearer ${adminKey}` },
      { authorization: `Bearer ${user.apiKey}` },
      { authorization: `Bearer ${user.token}` },
    ];
    const pools: readonly (readonly [RegExp, readonly string[]])[] = [
      [/email|address/i, [user.email]],
      [/phone/i, ['+4520123456']],
      [/(^id$|ids?$|Id$|user)/, [user.tenantId]],
      [/token/i, ['f'.repeat(64)]],
      [/code/i, ['123456']],
      [/password/i, ['correct horse battery 1A']],
      [/url|redirect|page/i, [`${appOrigin}/x`]],
      [/locale|language/i, ['es']],
      [/^type$/, ['signup', 'recovery']],
      [/grant_type/, ['password', 'refresh_token']],
      [/purpose/, ['signup']],
    ];
    known = (name) => pools.find(([pattern]) => pattern.test(name))?.[1] ?? [];
  }, 120_000);
  afterAll(() => scene.close());

  /** Three requests of each route, a dozen routes at once, to an API whose way to Postgres is silent. */
  const askInSilence = async (databaseTimeoutMs: string, ofRoutes: readonly Route[]) => {
    await using proxy = await openTcpProxy(scene.installation.settings['DATABASE_URL'] ?? '');
    const api = await scene.startApi({
      ...defaults,
      DATABASE_TIMEOUT_MS: databaseTimeoutMs,
      DATABASE_URL: proxy.url,
      LOG_LEVEL: 'fatal',
    });
    // Connections that were good, as after a failure in the middle of the day.
    await Promise.all(Array.from({ length: 5 }, () => get(api, '/readyz')));
    await proxy.become('silent');
    const turns = monitorEventLoopDelay({ resolution: 5 });
    turns.enable();
    const asked: Asked[] = [];
    const ask = async (
      route: Route,
      request: { url: string; headers: Readonly<Record<string, string>>; payload?: Buffer },
    ) => {
      const startedAtMs = performance.now();
      const answer = await api.app.inject({ method: route.method, remoteAddress: newClient(), ...request });
      asked.push({ name: `${route.method} ${route.path}`, answer, tookMs: performance.now() - startedAtMs });
    };
    for (let from = 0; from < ofRoutes.length; from += 12)
      await Promise.all(
        ofRoutes
          .slice(from, from + 12)
          .flatMap((route) =>
            fc
              .sample(requestsOf(route, known, credentials), { numRuns: 3, seed: 7 })
              .map(({ url, headers, payload }) => ask(route, { url, headers, ...(payload && { payload }) })),
          ),
      );
    turns.disable();
    return { asked, turnMs: turns.max / 1e6 };
  };

  /** Pages tell people in words to come again. */
  const isAway = ({ answer }: Asked): boolean =>
    answer.statusCode === 503 || (answer.statusCode === 500 && Number(answer.headers['retry-after']) > 0);

  it('keeps no route from answering in time, in every contract, and as the contract has it', async ({
    annotate,
  }) => {
    const { asked, turnMs } = await askInSilence(defaults.DATABASE_TIMEOUT_MS, routes);
    const slowest = asked.reduce((a, b) => (b.tookMs > a.tookMs ? b : a));
    const away = new Set(asked.filter(isAway).map(({ name }) => name));
    await annotate(
      `${asked.length} requests to ${routes.length} routes, of which ${away.size} were refused for want of Postgres; the slowest answer ${slowest.tookMs.toFixed(0)} ms (${slowest.name}), the slowest turn ${turnMs.toFixed(0)} ms`,
    );
    expect(slowest.tookMs).toBeLessThan(promisedMs + turnsOfAnAnswer * turnMs);
    const faults = asked.filter((each) => each.answer.statusCode >= 500 && !isAway(each));
    expect(
      faults.map(({ name, answer }) => `${name} ${answer.statusCode} ${answer.body.slice(0, 200)}`),
    ).toEqual([]);
    // What the requests made at random got as far as Postgres with; the others lack something.
    expect(away.size).toBeGreaterThan(routes.length / 3);
  }, 120_000);

  it('is past the promise for an API that is told to wait for longer', async () => {
    const few = routes.filter(
      ({ path }) => path === '/v1/resend-verification' || path === '/v1/verify-email/check',
    );
    const { asked } = await askInSilence('4000', few);
    expect(Math.max(...asked.map(({ tookMs }) => tookMs))).toBeGreaterThan(2 * promisedMs);
  }, 60_000);
});

describeWithRedis('a table that somebody holds locked', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('for longer than a request may wait is a 503 for all that waited, writes nothing and charges nobody', async () => {
    const api = await installation.startApi(defaults);
    const [from, email] = [newClient(), newEmail()];
    expect((await resend(api, newEmail())).statusCode).toBe(200);
    const before = await countRows(installation.db);
    const answers = await installation.db.transaction().execute(async (tx) => {
      const rename = (old: string, name: string) =>
        tx.schema.alterTable('messages').renameColumn(old, name).execute();
      // Takes the lock that nothing goes along with.
      await rename('redirect_url', 'redirect_url_away');
      const asked: Promise<Answer>[] = [];
      // In the batch that is under way, behind it, and in one that begins when the first has been given up.
      for (let count = 0; count < 8; count += 1) {
        asked.push(resend(api, email, { from }));
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      const told = await Promise.all(asked);
      await rename('redirect_url_away', 'redirect_url');
      return told;
    });
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 503));
    expect(await countRows(installation.db)).toEqual(before);
    // Nothing of the eight was charged: two clients' and addresses' limits are as they were.
    const statuses = [(await resend(api, email, { from })).statusCode];
    for (let count = 0; count < 5; count += 1)
      statuses.push((await resend(api, newEmail(), { from })).statusCode);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  }, 40_000);

  it('while Redis is lost, too, keeps nobody who joins the wait of another for longer', async ({
    annotate,
  }) => {
    const api = await installation.startApi({
      ...defaults,
      REDIS_URL: `redis://127.0.0.1:${await closedPort()}`,
    });
    const turns = monitorEventLoopDelay({ resolution: 5 });
    turns.enable();
    const asked = await installation.db.transaction().execute(async (tx) => {
      // As rows do that were charged in Redis and are not committed: nobody is counted without Redis before they are.
      await tx
        .selectNoFrom((eb) => eb.fn('pg_advisory_xact_lock_shared', [eb.val(18), eb.val(1)]).as('held'))
        .execute();
      return Promise.all(
        [0, 600, 1200].map(async (afterMs) => {
          await new Promise((resolve) => setTimeout(resolve, afterMs));
          const startedAtMs = performance.now();
          const { statusCode } = await resend(api, newEmail());
          return { statusCode, tookMs: performance.now() - startedAtMs };
        }),
      );
    });
    turns.disable();
    const slowestMs = Math.max(...asked.map(({ tookMs }) => tookMs));
    await annotate(`at most ${slowestMs.toFixed(0)} ms, a turn up to ${(turns.max / 1e6).toFixed(0)} ms`);
    expect(asked.map(({ statusCode }) => statusCode)).toEqual([503, 503, 503]);
    expect(slowestMs).toBeLessThan(promisedMs + (turnsOfAnAnswer * turns.max) / 1e6);
    expect((await resend(api, newEmail())).statusCode).toBe(200);
  }, 40_000);
});
