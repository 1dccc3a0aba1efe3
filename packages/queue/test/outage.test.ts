import { findRedisServer, openTcpProxy, startRedis, type TcpProxy } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDoorbell } from '../src/doorbell.ts';
import { createMailWorker } from '../src/mail-worker.ts';
import { evictionProblem } from '../src/redis.ts';
import { newId, openRedisQueue, type RedisTestQueue, ringTimeoutMs } from './support/backends.ts';
import { listen, seenWithinMs } from './support/handled.ts';

const timed = async <T>(work: () => Promise<T>): Promise<{ readonly tookMs: number; readonly result: T }> => {
  const startMs = performance.now();
  const result = await work();
  return { result, tookMs: performance.now() - startMs };
};

/** A timer may be late on a busy machine; a hang is not 300 ms long. */
const ringMsMax = ringTimeoutMs + 300;
const closeMsMax = 2000;

const openDoorbell = (queue: RedisTestQueue) => {
  const changes: boolean[] = [];
  const doorbell = createDoorbell({
    backend: queue.forRings,
    timeoutMs: ringTimeoutMs,
    onChange: ({ working }) => changes.push(working),
  });
  const ring = () => doorbell.ringAll([{ messageId: newId(), attempt: 0 }]);
  return { doorbell, changes, ring };
};

/** Rings until the doorbell gives up trying; each ring must fail within its deadline, and none may throw. */
const failToRing = async ({ doorbell, changes, ring }: ReturnType<typeof openDoorbell>): Promise<void> => {
  for (let i = 0; i < 3; i += 1) {
    expect(doorbell.isWorking()).toBe(true);
    const { result, tookMs } = await timed(ring);
    expect(result).toBe(false);
    expect(tookMs).toBeLessThan(ringMsMax);
  }
  expect(doorbell.isWorking()).toBe(false);
  // Known to be away: not even tried.
  expect((await timed(ring)).tookMs).toBeLessThan(50);
  doorbell.ring({ messageId: newId(), attempt: 0 });
  expect(changes).toEqual([false]);
};

describe('a doorbell whose Redis was never up', () => {
  test('fails each ring within its deadline, tells it once and closes', async () => {
    await using queue = openRedisQueue('redis://127.0.0.1:1');
    const opened = openDoorbell(queue);
    await failToRing(opened);
    expect((await timed(opened.doorbell.close)).tookMs).toBeLessThan(closeMsMax);
  });
});

describeWithRedis('a doorbell whose Redis goes away', (url) => {
  let proxy: TcpProxy;
  beforeEach(async () => {
    proxy = await openTcpProxy(url);
  });
  afterEach(() => proxy[Symbol.asyncDispose]());

  test.each(['silent', 'closed'] as const)(
    '(%s) fails each ring within its deadline, tells it once, and works again',
    async (mode) => {
      await using queue = openRedisQueue(proxy.url);
      const opened = openDoorbell(queue);
      expect(await opened.ring()).toBe(true);
      await proxy.become(mode);
      await failToRing(opened);
      await proxy.become('open');
      await expect.poll(opened.ring, { timeout: 15_000, interval: 100 }).toBe(true);
      expect(opened.changes).toEqual([false, true]);
      expect(opened.doorbell.isWorking()).toBe(true);
      await opened.doorbell.close();
    },
  );

  test.each(['silent', 'closed'] as const)('(%s) closes all the same', async (mode) => {
    await using queue = openRedisQueue(proxy.url);
    const { doorbell, ring } = openDoorbell(queue);
    await ring();
    await proxy.become(mode);
    expect((await timed(doorbell.close)).tookMs).toBeLessThan(closeMsMax);
  });

  test.each(['silent', 'closed'] as const)(
    '(%s from the start) fails each ring within its deadline, and works when it is up',
    async (mode) => {
      await proxy.become(mode);
      await using queue = openRedisQueue(proxy.url);
      const opened = openDoorbell(queue);
      await failToRing(opened);
      await proxy.become('open');
      await expect.poll(opened.ring, { timeout: 15_000, interval: 100 }).toBe(true);
      expect((await timed(opened.doorbell.close)).tookMs).toBeLessThan(closeMsMax);
    },
  );
});

describeWithRedis('a doorbell that nobody rings', (url) => {
  test('finds out that Redis works again', async () => {
    await using proxy = await openTcpProxy(url);
    await using queue = openRedisQueue(proxy.url);
    const opened = openDoorbell(queue);
    await proxy.become('closed');
    await failToRing(opened);
    // As each round of a sweep does that has found nothing due.
    const ringNobody = () => opened.doorbell.ringAll([]);
    expect(await ringNobody()).toBe(false);
    await proxy.become('open');
    await expect.poll(ringNobody, { timeout: 15_000, interval: 100 }).toBe(true);
    expect(opened.changes).toEqual([false, true]);
    await opened.doorbell.close();
  });
});

describeWithRedis('a worker whose Redis goes away', (url) => {
  test.each(['after the start', 'from the start'])('(%s) goes on by itself when it is back', async (when) => {
    await using proxy = await openTcpProxy(url);
    if (when === 'from the start') await proxy.become('closed');
    await using queue = openRedisQueue(proxy.url);
    await using worker = listen(queue.forJobs);
    const { doorbell, ring } = openDoorbell(queue);
    await expect.poll(ring, { timeout: 15_000 }).toBe(when === 'after the start');
    await proxy.become('closed');
    await proxy.become('open');
    const id = newId();
    await expect
      .poll(() => doorbell.ringAll([{ messageId: id, attempt: 0 }]), { timeout: 15_000 })
      .toBe(true);
    await worker.seen(id);
    await doorbell.close();
  });

  test.each(['silent', 'closed'] as const)('(%s) closes all the same', async (mode) => {
    await using proxy = await openTcpProxy(url);
    await using queue = openRedisQueue(proxy.url);
    const worker = listen(queue.forJobs);
    const { doorbell } = openDoorbell(queue);
    const id = newId();
    await doorbell.ringAll([{ messageId: id, attempt: 0 }]);
    await worker.seen(id);
    await doorbell.close();
    await proxy.become(mode);
    expect((await timed(() => worker.worker.close(1000))).tookMs).toBeLessThan(1000 + closeMsMax);
    // What was left behind ends when Redis is back: it must not run on into the next test.
    await proxy.become('open');
    await worker.worker.close(10_000);
  });
});

const binary = await findRedisServer(process.env);

// A full Redis harms everybody on it, so this one is private.
describe.runIf(binary !== undefined)('a Redis that is full (Redis)', () => {
  test(
    'is asked a few times a second, told once a second, and used again when it has room',
    { timeout: 60_000 },
    async () => {
      await using server = await startRedis({ binary: binary ?? '' });
      const admin = new Redis(server.url, { maxRetriesPerRequest: 1 });
      await using queue = openRedisQueue(server.url);
      const id = newId();
      const { doorbell } = openDoorbell(queue);
      await doorbell.ringAll([{ messageId: id, attempt: 0 }]);
      await admin.config('SET', 'maxmemory', '1');
      const told: number[] = [];
      const handled: string[] = [];
      const startMs = performance.now();
      const worker = createMailWorker({
        backend: queue.forJobs,
        concurrency: 4,
        rate: undefined,
        ringAll: async () => false,
        handle: async (messageId) => void handled.push(messageId),
        onError: () => told.push(performance.now()),
      });
      await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
      const seconds = (performance.now() - startMs) / 1000;
      const refused = Number(/^total_error_replies:(\d+)/m.exec(await admin.info('stats'))?.[1]);
      expect(refused).toBeGreaterThan(0);
      expect(refused / seconds).toBeLessThan(10);
      expect(told.length / seconds).toBeLessThanOrEqual(1.5);

      await admin.config('SET', 'maxmemory', '0');
      await expect.poll(() => handled, { timeout: seenWithinMs }).toEqual([id]);
      await worker.close(5000);
      await doorbell.close();
      admin.disconnect();
    },
  );

  test('that would evict is named with the setting that is wrong', async () => {
    await using server = await startRedis({ binary: binary ?? '' });
    await using queue = openRedisQueue(server.url);
    await queue.forRings.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await evictionProblem(queue.forRings.redis)).toContain('maxmemory-policy allkeys-lru');
  });
});
