import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRedisServer, startRedis } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { eventually } from './support/eventually.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { get, newClient, newEmail, resend } from './support/requests.ts';

interface Readiness {
  readonly status: string;
  readonly problems: readonly string[];
}

describe('what an operator asks of the process', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('/livez and /readyz answer 200 while all is well', async () => {
    const api = await installation.startApi();
    expect((await get(api, '/livez')).json()).toEqual({ status: 'ok' });
    const ready = await get(api, '/readyz');
    expect([ready.statusCode, ready.json()]).toEqual([200, { status: 'ok', problems: [] }]);
  });

  it('/health tells status, time up and version', async () => {
    const api = await installation.startApi();
    expect((await get(api, '/health')).json()).toEqual({
      status: 'ok',
      uptime: expect.any(Number) as number,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
    });
  });

  it('/readyz is a 503 that names the migrations while the database lacks some', async () => {
    const api = await installation.startApi();
    const { schema } = installation.db;
    await schema.alterTable('kysely_migration').renameTo('kysely_migration_away').execute();
    const ready = await get(api, '/readyz');
    await schema.dropTable('kysely_migration').ifExists().execute();
    await schema.alterTable('kysely_migration_away').renameTo('kysely_migration').execute();
    expect(ready.statusCode).toBe(503);
    expect(ready.json<Readiness>().problems).toEqual([
      expect.stringMatching(/lacks migrations: 0001-accounts-and-messages/) as string,
    ]);
    expect((await get(api, '/readyz')).statusCode).toBe(200);
  });

  it('/metrics counts what was decided and refused, and holds no address of anybody', async () => {
    const api = await installation.startApi({ RATE_LIMIT_IP: '1/3600' });
    const [from, email] = [newClient(), newEmail()];
    await resend(api, email, { from });
    await resend(api, email);
    await resend(api, newEmail(), { from });
    const metrics = await eventually('the requests are counted', async () => {
      const answer = await get(api, '/metrics');
      return answer.body.includes('status="429"') ? answer : undefined;
    });
    expect(String(metrics.headers['content-type'])).toContain('text/plain');
    expect(metrics.body).toContain('reconfirm_resends_total{contract="v1",outcome="resend_accepted"} 1');
    expect(metrics.body).toContain('reconfirm_limited_total{kind="ip"} 1');
    expect(metrics.body).toContain('reconfirm_limited_total{kind="address"} 1');
    expect(metrics.body).toMatch(
      /reconfirm_http_request_seconds_count\{[^}]*route="\/v1\/resend-verification"[^}]*\} \d/,
    );
    expect(metrics.body).not.toMatch(new RegExp(`${email}|${from.replaceAll('.', '\\.')}`));
  });

  it('two APIs in one process keep their own counts', async () => {
    const [one, other] = [await installation.startApi(), await installation.startApi()];
    await resend(one, newEmail());
    expect((await get(other, '/metrics')).body).not.toContain('resend_accepted');
  });
});

describeWithRedis("a Redis of one's own", () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('/readyz is a 503 while Redis may evict keys, and a 200 once it may not', async ({ skip }) => {
    const binary = await findRedisServer(process.env);
    if (binary === undefined) return skip('no redis-server on PATH');
    await using server = await startRedis({ binary });
    const api = await installation.startApi({ REDIS_URL: server.url });
    const redis = new Redis(server.url);
    try {
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      const ready = await get(api, '/readyz');
      expect([ready.statusCode, ready.json<Readiness>().problems]).toEqual([
        503,
        ['Redis evicts keys (maxmemory-policy allkeys-lru); set maxmemory-policy to noeviction'],
      ]);
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
      expect((await get(api, '/readyz')).statusCode).toBe(200);
    } finally {
      redis.disconnect();
      await api.stop();
    }
  });
});
