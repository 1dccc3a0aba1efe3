import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDoorbell, type Doorbell } from '../src/doorbell.ts';
import {
  newId,
  openPostgresQueue,
  openRedisQueue,
  ringTimeoutMs,
  type TestQueue,
} from './support/backends.ts';
import { listen, seenWithinMs } from './support/handled.ts';

/** What a doorbell and its worker guarantee, wherever the jobs wait. */
const testQueue = (open: () => Promise<TestQueue>): void => {
  let queue: TestQueue;
  let doorbell: Doorbell;
  beforeEach(async () => {
    queue = await open();
    // Postgres makes its tables with the first call; that may take longer than a ring.
    doorbell = createDoorbell({ backend: queue.forRings, timeoutMs: 10 * ringTimeoutMs, onChange: () => {} });
  });
  afterEach(async () => {
    await doorbell.close();
    await queue[Symbol.asyncDispose]();
  });

  /** Two jobs for one ring would both be handled before one that was rung later. */
  const handledUntilNow = async (): Promise<readonly string[]> => {
    await using worker = listen(queue.forJobs);
    const last = newId();
    expect(await doorbell.ringAll([{ messageId: last, attempt: 0 }])).toBe(true);
    await worker.seen(last);
    return worker.handled.filter((id) => id !== last);
  };

  test('a ring is seen by a worker', async () => {
    await using worker = listen(queue.forJobs);
    const id = newId();
    doorbell.ring({ messageId: id, attempt: 0 });
    await worker.seen(id);
    expect(worker.handled).toEqual([id]);
  });

  test('rings of one turn all arrive', async () => {
    await using worker = listen(queue.forJobs);
    const ids = Array.from({ length: 20 }, newId);
    for (const id of ids) doorbell.ring({ messageId: id, attempt: 0 });
    await expect.poll(() => worker.handled.toSorted(), { timeout: seenWithinMs }).toEqual(ids.toSorted());
  });

  test('of messages that share a job no more are in hand at once than one worker may have', async () => {
    const ids = Array.from({ length: 12 }, newId);
    for (const id of ids) doorbell.ring({ messageId: id, attempt: 0 });
    let [inHand, most] = [0, 0];
    const work = async (): Promise<void> => {
      inHand += 1;
      most = Math.max(most, inHand);
      await new Promise((resolve) => setImmediate(resolve));
      inHand -= 1;
    };
    await using worker = listen(queue.forJobs, work, { concurrency: 3 });
    await expect.poll(() => worker.handled.toSorted(), { timeout: seenWithinMs }).toEqual(ids.toSorted());
    expect(most).toBe(3);
  });

  test('a worker that closes leaves what shares a job with the message in its hand to the sweep', async () => {
    let finish = (): void => {};
    const worker = listen(queue.forJobs, () => new Promise((resolve) => (finish = resolve)));
    const [first, second] = [newId(), newId()];
    for (const messageId of [first, second]) doorbell.ring({ messageId, attempt: 0 });
    await worker.seen(first);
    const closed = worker.worker.close(10_000);
    finish();
    await closed;
    expect(worker.handled).toEqual([first]);
  });

  test('with a rate, messages that share a job are rung one by one: the queue counts jobs', async () => {
    const ids = Array.from({ length: 5 }, newId);
    for (const id of ids) doorbell.ring({ messageId: id, attempt: 0 });
    const rung: string[] = [];
    const ringAll: Doorbell['ringAll'] = (rings) => {
      rung.push(...rings.map((ring) => ring.messageId));
      return doorbell.ringAll(rings);
    };
    const more = { concurrency: 10, rate: { max: 1000, windowSeconds: 1 }, ringAll };
    await using worker = listen(queue.forJobs, undefined, more);
    await expect.poll(() => worker.handled.toSorted(), { timeout: seenWithinMs }).toEqual(ids.toSorted());
    expect(rung).toEqual(ids.slice(1));
  });

  test('what is urgent is handled before what was rung earlier, one by one and in shared jobs', async () => {
    const later = Array.from({ length: 40 }, newId);
    const [soon, urgent] = [newId(), newId()];
    await doorbell.ringAll(later.slice(0, 5).map((messageId) => ({ messageId, attempt: 0, priority: 2 })));
    for (const messageId of later.slice(5)) doorbell.ring({ messageId, attempt: 0, priority: 2 });
    doorbell.ring({ messageId: soon, attempt: 0, priority: 1 });
    doorbell.ring({ messageId: urgent, attempt: 0, priority: 0 });
    // Rings of later turns of the event loop: this one has been taken once it is answered.
    await doorbell.ringAll([{ messageId: newId(), attempt: 0, priority: 2 }]);
    await using worker = listen(queue.forJobs);
    await expect.poll(() => worker.handled.length, { timeout: seenWithinMs }).toBe(43);
    expect(worker.handled.slice(0, 2)).toEqual([urgent, soon]);
  });

  test('with a rate, what is urgent takes the next turn, whatever shares jobs before it', async () => {
    const later = Array.from({ length: 40 }, newId);
    for (const messageId of later) doorbell.ring({ messageId, attempt: 0, priority: 2 });
    const more = { concurrency: 10, rate: { max: 5, windowSeconds: 1 }, ringAll: doorbell.ringAll };
    await using worker = listen(queue.forJobs, undefined, more);
    await expect.poll(() => worker.handled.length, { timeout: seenWithinMs }).toBeGreaterThan(3);
    const urgent = newId();
    const before = worker.handled.length;
    doorbell.ring({ messageId: urgent, attempt: 0, priority: 0 });
    await worker.seen(urgent);
    expect(worker.handled.indexOf(urgent) - before, 'at most what the rate had let through').toBeLessThan(15);
  });

  test('the same attempt rung twice is one job, and another attempt is another', async () => {
    const id = newId();
    await doorbell.ringAll([
      { messageId: id, attempt: 0 },
      { messageId: id, attempt: 0 },
    ]);
    await doorbell.ringAll([{ messageId: id, attempt: 0 }]);
    expect(await handledUntilNow()).toEqual([id]);
    await doorbell.ringAll([
      { messageId: id, attempt: 1 },
      { messageId: id, attempt: 2 },
    ]);
    expect(await handledUntilNow()).toEqual([id, id]);
  });

  test.each(['done', 'failed'] as const)('an attempt whose handling is %s can be rung again', async (how) => {
    const id = newId();
    await using worker = listen(queue.forJobs, async () => {
      if (how === 'failed') throw new Error('the database is away');
    });
    for (let times = 1; times <= 3; times += 1) {
      await expect
        .poll(
          async () => {
            await doorbell.ringAll([{ messageId: id, attempt: 0 }]);
            return worker.handled.length;
          },
          { timeout: 10_000 },
        )
        .toBeGreaterThanOrEqual(times);
    }
  });

  test('a worker that closes finishes what it has in hand', async () => {
    let finished = false;
    let finish = (): void => {};
    const released = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const worker = listen(queue.forJobs, async () => {
      await released;
      finished = true;
    });
    const id = newId();
    await doorbell.ringAll([{ messageId: id, attempt: 0 }]);
    await worker.seen(id);
    const closed = worker.worker.close(10_000);
    finish();
    await closed;
    expect(finished).toBe(true);
  });

  test('a worker that closes waits no longer than it was told', async () => {
    let finish = (): void => {};
    const worker = listen(queue.forJobs, () => new Promise((resolve) => (finish = resolve)));
    const id = newId();
    await doorbell.ringAll([{ messageId: id, attempt: 0 }]);
    await worker.seen(id);
    const startMs = performance.now();
    await worker.worker.close(100);
    expect(performance.now() - startMs).toBeLessThan(3000);
    finish();
  });

  test('ringing nothing is no work', async () => {
    expect(await doorbell.ringAll([])).toBe(true);
  });
};

describeWithRedis('a queue in Redis', (url) => {
  testQueue(async () => openRedisQueue(url));
});
describe('a queue in Postgres', () => {
  testQueue(openPostgresQueue);
});
