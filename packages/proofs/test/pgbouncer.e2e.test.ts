import pg from 'pg';
import { expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { redisSettings } from '../src/installation.ts';
import { addresses, untilSettled } from '../src/load.ts';
import { reportEvent } from '../src/mailgun-webhook.ts';
import { countByRecipient, nextMail, tokenOf } from '../src/mails.ts';
import { findPgbouncer, startPgbouncer } from '../src/pgbouncer.ts';
import { lostOrDoubled, registerEach } from '../src/told.ts';
import { openScene } from './support/scene.ts';

const address = 'ada@example.com';
/** What the pooler's server connections remember of a session: a name, prepared in one transaction, asked for in the next ones. */
const failuresOfNamedStatements = async (url: string): Promise<number> => {
  const clients = Array.from({ length: 4 }, () => new pg.Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  let failures = 0;
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.allSettled(
      clients.map((client) => client.query({ name: 'one', text: 'SELECT 1, pg_sleep(0.01)' })),
    );
    failures += answers.filter(({ status }) => status === 'rejected').length;
  }
  await Promise.all(clients.map((client) => client.end()));
  return failures;
};

describeWithRedis('behind PgBouncer in transaction mode', (redisUrl) => {
  test('the whole flow works under load, although no connection to the server is anybody’s own', async ({
    annotate,
    skip,
  }) => {
    const binary = findPgbouncer();
    if (binary === undefined) return skip('PgBouncer is not installed (Debian: pgbouncer)');
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      RATE_LIMIT_ADDRESS: '2/600',
      RATE_LIMIT_IP: 'off',
    });
    await using pooler = await startPgbouncer(binary, scene.databaseUrl);
    // Or the rest would show nothing.
    expect(await failuresOfNamedStatements(pooler.url)).toBeGreaterThan(0);
    const place = { DATABASE_URL: pooler.url, DATABASE_POOLER: 'transaction' };
    const [api, worker] = await Promise.all([scene.startApi(place), scene.startWorker(place)]);
    const { client } = api;

    const { apiKey } = (await client.register(address)).body;
    const first = await nextMail(scene.inbox, address);
    expect((await client.resend(address)).status).toBe(200);
    expect((await client.resend(address)).status).toBe(429);
    const second = await nextMail(scene.inbox, address, first);
    expect(await client.check(tokenOf(first))).toEqual({ valid: false });
    expect((await client.confirm(tokenOf(second))).status).toBe(200);
    expect((await reportEvent(client, 'delivered', second)).status).toBe(200);
    expect(await client.me(apiKey)).toMatchObject({
      status: 'ACTIVE',
      verificationEmailStatus: 'DELIVERED',
    });

    const told = await registerEach(client, addresses('pooled', 150), 60, async () => undefined);
    expect(told.refused).toEqual([]);
    await untilSettled(client);
    expect(lostOrDoubled(told, await countByRecipient(scene.inbox))).toEqual([]);
    // Before the pooler goes, so that they have what they need to stop in order.
    for (const { code } of await Promise.all([api.terminate(), worker.terminate()])) expect(code).toBe(0);
    await annotate(`PgBouncer ${pooler.version}`);
  });
});
