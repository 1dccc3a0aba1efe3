import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { redisSettings } from '../src/installation.ts';
import { redisBinary } from '../src/own-redis.ts';
import { type OwnRedisCluster, startOwnRedisCluster } from '../src/own-redis-cluster.ts';
import { openMailScene, type MailScene } from './support/mail-scene.ts';

const binary = await redisBinary();

describe.runIf(binary !== undefined)('on a Redis Cluster of three masters (Redis)', () => {
  let cluster: OwnRedisCluster;
  let scene: MailScene;
  beforeAll(async () => {
    cluster = await startOwnRedisCluster(binary ?? '');
    const [first, ...others] = cluster.masters;
    scene = await openMailScene({
      settings: {
        ...redisSettings(first?.url ?? ''),
        REDIS_CLUSTER_NODES: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
      },
      redisKeys: cluster.keys,
    });
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });
  beforeEach(() => onTestFailed(() => scene.printLogs()));

  test('limits are counted and jobs ring on it: a mail comes, and of fifty requests at once one is accepted', async () => {
    await scene.untilUsed();
    await scene.expectLimitsHold();
    await scene.expectEverythingDelivered();
    // Nothing of this went by Postgres.
    expect(await scene.api.metric('reconfirm_limiter_working')).toBe(1);
    expect(await scene.api.metric('reconfirm_queue_working')).toBe(1);
  });

  test('one of its nodes that evicts keeps both processes from being ready', async () => {
    for (const node of cluster.masters) {
      await node.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      for (const service of [scene.api, scene.worker]) expect((await service.readiness()).status).toBe(503);
      await node.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    }
    for (const service of [scene.api, scene.worker]) expect((await service.readiness()).status).toBe(200);
  });

  test.each(['limit', 'queue'])(
    'with the master of the %s killed nothing is lost or opened, and its empty successor is used',
    async (of) => {
      const key = of === 'limit' ? `{${scene.redisPrefix}:limit}` : `{${scene.redisPrefix}}`;
      const master = await cluster.masterOf(key);
      const load = await scene.registerMany(20, 10, async (index) => {
        if (index === 7) await master.kill();
      });
      expect(load.answers.filter(({ status }) => status !== 201)).toEqual([]);
      await scene.expectLimitsHold();
      await scene.expectEverythingDelivered();
      await master.restart();
      await cluster.untilWhole();
      await scene.untilUsed();
      await scene.expectLimitsHold();
      await scene.expectEverythingDelivered();
    },
  );
});
