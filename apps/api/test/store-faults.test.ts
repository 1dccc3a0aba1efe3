import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { type Installation, openInstallation, startApi, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { retryAfterSeconds } from './support/rate-limit-header.ts';
import { type Answer, get, newClient, newEmail, post, resend } from './support/requests.ts';
import { countRows } from './support/rows.ts';
import { closedPort, startSilentServer } from './support/unreachable.ts';

const unavailable = { status: 503, code: 'SERVICE_UNAVAILABLE', reason: 'SERVICE_UNAVAILABLE' } as const;

const expectUnavailable = (answer: Answer): void => {
  expectProblem(answer, unavailable);
  expect(retryAfterSeconds(answer)).toBeLessThanOrEqual(10);
};

describe('a row that cannot be written', () => {
  let installation: Installation;
  let api: TestApi;
  let putBack: () => Promise<void> = async () => undefined;

  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());
  afterEach(() => putBack());

  /** A column that the statement needs and the limits do not: only this statement fails. */
  const takeAway = async (table: string, column: string): Promise<void> => {
    const away = `${column}_away`;
    await installation.db.schema.alterTable(table).renameColumn(column, away).execute();
    putBack = async () => {
      putBack = async () => undefined;
      await installation.db.schema.alterTable(table).renameColumn(away, column).execute();
    };
  };

  it.each([
    ['resend', 'messages.redirect_url', '/v1/resend-verification', 200],
    ['resend whose account cannot be read', 'accounts.status', '/v1/resend-verification', 200],
    ['registration', 'accounts.name', '/v1/register', 201],
    ['registration whose account cannot be read', 'accounts.status', '/v1/register', 201],
    ['registration half-way', 'api_keys.secret_hash', '/v1/register', 201],
  ])('of a %s (%s) is a 503 that charges nobody anything', async (_what, column, path, accepted) => {
    const [from, email] = [newClient(), newEmail()];
    const before = await countRows(installation.db);
    const [table = '', name = ''] = column.split('.');
    await takeAway(table, name);
    for (let count = 0; count < 8; count += 1) expectUnavailable(await post(api, path, { email }, { from }));
    await putBack();
    expect(await countRows(installation.db)).toEqual(before);

    const statuses = [(await post(api, path, { email }, { from })).statusCode];
    for (let count = 0; count < 5; count += 1)
      statuses.push((await resend(api, newEmail(), { from })).statusCode);
    expect(statuses).toEqual([accepted, 200, 200, 200, 200, 429]);
  });

  it('fails only the requests of its own moment: the next one is accepted at once', async () => {
    const email = newEmail();
    await takeAway('messages', 'redirect_url');
    expectUnavailable(await resend(api, email));
    await putBack();
    expect((await resend(api, email)).statusCode).toBe(200);
  });
});

describe('Postgres away', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  const everyRoute = (api: TestApi): readonly (readonly [string, () => Promise<Answer>])[] => [
    ['resend', () => resend(api, newEmail())],
    ['resend with a key', () => resend(api, newEmail(), { headers: { 'idempotency-key': 'away' } })],
    ['register', () => post(api, '/v1/register', { email: newEmail() })],
    ['verify', () => post(api, '/v1/verify-email', { token: 'a'.repeat(64) })],
    ['check', () => get(api, `/v1/verify-email/check?token=${'a'.repeat(64)}`)],
    [
      'page',
      () => get(api, `/v1/verify-email?token=${'a'.repeat(64)}`, { headers: { accept: 'application/json' } }),
    ],
    [
      'tenant',
      () =>
        get(api, '/v1/tenants/me', {
          headers: { authorization: `Bearer rk_${'0'.repeat(32)}_${'A'.repeat(43)}` },
        }),
    ],
  ];

  const expectAway = async (api: TestApi): Promise<void> => {
    const asked = everyRoute(api).map(async ([name, call]) => {
      const startedMs = performance.now();
      const answer = await call();
      return { name, answer, inTime: performance.now() - startedMs < 2000 };
    });
    for (const { name, answer, inTime } of await Promise.all(asked)) {
      expect({ name, status: answer.statusCode, inTime }).toEqual({ name, status: 503, inTime: true });
      expectUnavailable(answer);
    }
    const page = await get(api, `/v1/verify-email?token=${'a'.repeat(64)}`, {
      headers: { accept: 'text/html' },
    });
    expect([page.statusCode, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
    const ready = await get(api, '/readyz');
    expect([ready.statusCode, ready.json<{ problems: string[] }>().problems]).toEqual([
      503,
      ['the database does not answer'],
    ]);
    expect((await get(api, '/livez')).statusCode).toBe(200);
  };

  const withDatabaseAt = (port: number): Promise<TestApi> =>
    startApi({
      ...installation.settings,
      DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/none`,
      DATABASE_TIMEOUT_MS: '1500',
    });

  it('refusing connections: every route that needs it answers 503 within 2 seconds', async () => {
    const api = await withDatabaseAt(await closedPort());
    try {
      await expectAway(api);
    } finally {
      await api.stop();
    }
  });

  it('silent: every route that needs it answers 503 within 2 seconds', async () => {
    await using server = await startSilentServer();
    const api = await withDatabaseAt(server.port);
    try {
      await expectAway(api);
    } finally {
      await api.stop();
    }
  });
});

describeWithRedis('Redis away', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  const withoutRedis = async (onError: string): Promise<TestApi> =>
    installation.startApi({
      REDIS_URL: `redis://127.0.0.1:${await closedPort()}`,
      LIMITER_ON_ERROR: onError,
    });

  it('LIMITER_ON_ERROR=postgres: the same limits hold, and the same requests are accepted', async () => {
    const api = await withoutRedis('postgres');
    const email = newEmail();
    expect((await resend(api, email)).statusCode).toBe(200);
    expectProblem(await resend(api, email), { status: 429, reason: 'RESEND_COOLDOWN' });
  });

  it('LIMITER_ON_ERROR=postgres: what was accepted before Redis went still counts', async () => {
    const email = newEmail();
    expect((await resend(await installation.startApi(), email)).statusCode).toBe(200);
    expectProblem(await resend(await withoutRedis('postgres'), email), {
      status: 429,
      reason: 'RESEND_COOLDOWN',
    });
  });

  it('LIMITER_ON_ERROR=closed: a 503 with Retry-After, and nothing written', async () => {
    const api = await withoutRedis('closed');
    const before = await countRows(installation.db);
    expectUnavailable(await resend(api, newEmail()));
    expectUnavailable(await post(api, '/v1/register', { email: newEmail() }));
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('LIMITER_ON_ERROR=open: everything is accepted', async () => {
    const api = await withoutRedis('open');
    const email = newEmail();
    expect([(await resend(api, email)).statusCode, (await resend(api, email)).statusCode]).toEqual([
      200, 200,
    ]);
  });

  it('is no reason to leave the load balancer', async () => {
    expect((await get(await withoutRedis('postgres'), '/readyz')).statusCode).toBe(200);
  });
});
