import { expect, test } from 'vitest';
import { openTcpProxy } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import type { ApiClient } from '../src/api-client.ts';
import type { Answer } from '../src/http-client.ts';
import { addresses, atSteadyRate, percentile, untilSettled } from '../src/load.ts';
import { expectOneMailForEach } from './support/one-mail-each.ts';
import { emptyRedis } from '../src/redis-keys.ts';
import { redisSettings } from '../src/installation.ts';
import { openScene, type Scene } from './support/scene.ts';

/** A registration and one resend for each address, and no more for ten minutes. */
const limits = { RATE_LIMIT_ADDRESS: '2/600', RATE_LIMIT_IP: 'off' };
const newcomers = addresses('newcomer', 200);
const known = addresses('known', 100);
/** Has had both of its requests before the load begins. */
const spent = 'spent@example.com';

/**
 * Registers the addresses, a few at once, and waits for their mails, so that what comes later supersedes
 * nothing. A busy machine may refuse a hundred at once with 503, which is not what is tested here.
 */
const prepare = async (client: ApiClient): Promise<void> => {
  const waiting = [...known, spent];
  while (waiting.length > 0) {
    const answers = await Promise.all(waiting.splice(0, 10).map((email) => client.register(email)));
    expect(refusals(answers)).toEqual([]);
  }
  await untilSettled(client);
  expect((await client.resend(spent)).status).toBe(200);
};

/** Three hundred requests, two registrations to one resend; resolves to every answer. */
const mixedLoad = (client: ApiClient, disturb: (index: number) => Promise<void>): Promise<Answer[]> =>
  atSteadyRate(300, 60, async (index) => {
    await disturb(index);
    const knownAddress = known[Math.floor(index / 3)] ?? '';
    const newAddress = newcomers[Math.floor(index / 3) * 2 + (index % 3) - 1] ?? '';
    return index % 3 === 0 ? client.resend(knownAddress) : client.register(newAddress);
  });

const refusals = (answers: readonly Answer[]): Answer[] =>
  answers.filter(({ status }) => status !== 200 && status !== 201);

/** One that has used up its two requests stays refused. */
const expectCooldown = async (client: ApiClient, email: string): Promise<void> => {
  const { status, body } = await client.resend(email);
  expect([status, body.reason]).toEqual([429, 'RESEND_COOLDOWN']);
};

const expectEverythingDelivered = async (scene: Scene, client: ApiClient): Promise<void> => {
  await untilSettled(client);
  await expectOneMailForEach(scene.inbox, client, [...known, ...known, spent, spent, ...newcomers]);
};

describeWithRedis('a Redis that is lost under load', (redisUrl) => {
  test('emptied again and again, it loses no accepted request and opens no limit', async () => {
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      ...limits,
      SWEEP_INTERVAL_MS: '500',
      // Slower than the load, so that jobs wait in Redis whenever it is emptied.
      SEND_RATE: '45/1',
    });
    const { client } = await scene.startApi();
    await scene.startWorker();
    await prepare(client);
    const waiting: number[] = [];
    const answers = await mixedLoad(client, async (index) => {
      if (index % 50 !== 25) return;
      waiting.push((await client.messages({ status: 'queued' })).length);
      expect(await emptyRedis(redisUrl, scene.redisPrefix)).toBeGreaterThan(0);
      await expectCooldown(client, spent);
    });
    expect(waiting).toHaveLength(6);
    expect(Math.max(...waiting)).toBeGreaterThan(10);
    expect(refusals(answers)).toEqual([]);
    for (const email of [...known, spent]) await expectCooldown(client, email);
    await expectEverythingDelivered(scene, client);
  });

  test('gone for good, it loses no accepted request, opens no limit and holds nobody up', async ({
    annotate,
  }) => {
    await using proxy = await openTcpProxy(redisUrl);
    await using scene = await openScene({ ...redisSettings(proxy.url), ...limits, SWEEP_INTERVAL_MS: '500' });
    const { client } = await scene.startApi();
    const worker = await scene.startWorker();
    await prepare(client);
    const answers = await mixedLoad(client, async (index) => {
      if (index === 150) await proxy.become('closed');
    });
    expect(refusals(answers)).toEqual([]);
    const without = answers.slice(150).map(({ tookMs }) => tookMs);
    const [p50, p99] = [percentile(without, 0.5), percentile(without, 0.99)];
    await annotate(`without Redis: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    // A request may wait for the limiter's deadline (150 ms) a few times; the rest is a busy machine.
    expect(p99).toBeLessThan(1000);
    for (const email of [...known, spent]) await expectCooldown(client, email);
    await expectEverythingDelivered(scene, client);
    // With nothing in hand there is nothing to wait for, least of all Redis.
    const { code, tookMs } = await worker.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(5000);
  });
});
