import { sendJobId } from '@reconfirm/core/jobs/send';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { queuePrefix } from '../src/backend.ts';
import { createDoorbell, type Doorbell } from '../src/doorbell.ts';
import { evictionProblem, type RedisConnection } from '../src/redis.ts';
import { newId, openRedisQueue, type RedisTestQueue, ringTimeoutMs } from './support/backends.ts';
import { listen } from './support/handled.ts';

describeWithRedis('jobs in Redis', (url) => {
  let queue: RedisTestQueue;
  let doorbell: Doorbell;
  let redis: RedisConnection;
  beforeEach(() => {
    queue = openRedisQueue(url);
    redis = queue.forRings.redis;
    doorbell = createDoorbell({ backend: queue.forRings, timeoutMs: ringTimeoutMs, onChange: () => {} });
  });
  afterEach(async () => {
    await doorbell.close();
    await queue[Symbol.asyncDispose]();
  });

  const keys = (): Promise<readonly string[]> => redis.keys(`*${queue.forRings.prefix}*`);
  const ring = (messageId: string): Promise<boolean> => doorbell.ringAll([{ messageId, attempt: 0 }]);
  const jobKey = (messageId: string): string =>
    `${queuePrefix(queue.forRings.prefix)}:mail:${sendJobId(messageId, 0)}`;

  test('carry their id and no data, and no other key of the queue holds more', async () => {
    const ids = Array.from({ length: 3 }, newId);
    for (const id of ids) await ring(id);
    for (const id of ids) {
      const job = await redis.hgetall(jobKey(id));
      expect(job).toMatchObject({ name: 'send', data: '{}' });
      const { name: _name, data: _data, ...rest } = job;
      // Options, times and counters of BullMQ: nothing in them is text of ours.
      expect(JSON.stringify(rest)).not.toMatch(/@|token|email|address|http/i);
    }
    expect((await keys()).filter((key) => ids.some((id) => key.includes(id)))).toHaveLength(ids.length);
  });

  test('of one turn share one, which carries the ids of the others and nothing else', async () => {
    const [first = '', ...others] = Array.from({ length: 3 }, newId);
    for (const messageId of [first, ...others]) doorbell.ring({ messageId, attempt: 0 });
    const jobs = async () => (await keys()).filter((key) => /:mail:[0-9a-f-]{36}-\d+$/.test(key));
    await expect.poll(jobs, { timeout: 5000 }).toEqual([jobKey(first)]);
    expect(await redis.hget(jobKey(first), 'data')).toBe(JSON.stringify({ also: others }));
  });

  test('leave nothing behind when they were handled', async () => {
    await using worker = listen(queue.forJobs);
    const id = newId();
    await ring(id);
    await worker.seen(id);
    await expect
      .poll(async () => (await keys()).filter((key) => key.includes(id)), { timeout: 5000 })
      .toEqual([]);
  });

  test('that were lost with everything in Redis can be rung again', async () => {
    const id = newId();
    await ring(id);
    await redis.del(...(await keys()));
    expect(await ring(id)).toBe(true);
    await using worker = listen(queue.forJobs);
    await worker.seen(id);
  });

  test('are handled by a worker that saw Redis emptied', async () => {
    await using worker = listen(queue.forJobs);
    const [before, after] = [newId(), newId()];
    await ring(before);
    await worker.seen(before);
    await redis.del(...(await keys()));
    await ring(after);
    await worker.seen(after);
    expect(worker.handled).toEqual([before, after]);
  });

  test('whose hash was lost are handled all the same: the id is all that is needed', async () => {
    const id = newId();
    await ring(id);
    expect(await redis.del(jobKey(id))).toBe(1);
    await using worker = listen(queue.forJobs);
    await worker.seen(id);
  });

  test('keep all their keys in one slot of a cluster', async () => {
    await ring(newId());
    const tag = queuePrefix(queue.forRings.prefix);
    expect((await keys()).every((key) => key.startsWith(`${tag}:`))).toBe(true);
  });

  test('are safe in a Redis that evicts nothing', async () => {
    expect(await evictionProblem(redis)).toBeNull();
  });
});
