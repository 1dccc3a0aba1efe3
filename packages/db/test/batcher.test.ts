import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Batcher, BatchWaitTooLong, createBatcher } from '../src/batcher.ts';

/** A batcher whose batches end when the test says so. */
const manualBatcher = (
  maxItems: number,
  maxInFlight: number,
  maxWaitMs = 60_000,
  sizeOf?: (item: number) => number,
) => {
  const started: {
    items: readonly number[];
    finish: (results: readonly string[]) => void;
    fail: (error: Error) => void;
  }[] = [];
  const batcher: Batcher<number, string> = createBatcher({
    maxItems,
    maxInFlight,
    maxWaitMs,
    ...(sizeOf && { sizeOf }),
    retryAlone: (error) => error instanceof RangeError,
    runBatch: (items) =>
      new Promise((resolve, reject) => started.push({ items, finish: resolve, fail: reject })),
  });
  const batch = (index: number) => {
    const found = started[index];
    if (found === undefined) throw new Error(`batch ${index} has not started`);
    return found;
  };
  return { batcher, started, batch };
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const named = (items: readonly number[]): string[] => items.map((item) => `result of ${item}`);

describe('batches', () => {
  test('take the items of one turn of the event loop together, each with its own result', async () => {
    const { batcher, started, batch } = manualBatcher(100, 1);
    const runs = [1, 2, 3].map((item) => batcher.run(item));
    await nextTurn();
    expect(started.map((b) => b.items)).toEqual([[1, 2, 3]]);
    batch(0).finish(named([1, 2, 3]));
    expect(await Promise.all(runs)).toEqual(named([1, 2, 3]));
  });

  test('hold no more items than allowed, and no more of them are under way than allowed', async () => {
    const { batcher, started, batch } = manualBatcher(2, 2);
    const runs = [1, 2, 3, 4, 5].map((item) => batcher.run(item));
    await nextTurn();
    expect(started.map((b) => b.items)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    batch(0).finish(named([1, 2]));
    await Promise.all(runs.slice(0, 2));
    await nextTurn();
    expect(batch(2).items).toEqual([5]);
    batch(1).finish(named([3, 4]));
    batch(2).finish(named([5]));
    expect(await Promise.all(runs)).toEqual(named([1, 2, 3, 4, 5]));
  });

  test('hold as much as allowed by the size of their items, and a larger one alone', async () => {
    const { batcher, started, batch } = manualBatcher(10, 10, 60_000, (item) => item);
    const runs = [4, 6, 1, 25, 9, 2].map((item) => batcher.run(item));
    await nextTurn();
    expect(started.map((b) => b.items)).toEqual([[4, 6], [1], [25], [9], [2]]);
    for (const [index, { items }] of started.entries()) batch(index).finish(named(items));
    expect(await Promise.all(runs)).toEqual(named([4, 6, 1, 25, 9, 2]));
  });

  test('grow while all slots are busy', async () => {
    const { batcher, batch } = manualBatcher(100, 1);
    const first = batcher.run(0);
    await nextTurn();
    const waiting: Promise<string>[] = [];
    for (const item of [1, 2, 3]) {
      waiting.push(batcher.run(item));
      await nextTurn();
    }
    batch(0).finish(named([0]));
    await first;
    await nextTurn();
    expect(batch(1).items).toEqual([1, 2, 3]);
    batch(1).finish(named([1, 2, 3]));
    await Promise.all(waiting);
  });
});

describe('a batch that does not come back', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('keeps no other item waiting for longer than allowed, and nothing is done with those', async () => {
    const { batcher, batch, started } = manualBatcher(100, 1, 100);
    const first = batcher.run(1);
    await nextTurn();
    const late: unknown[] = [];
    for (const item of [2, 3]) void batcher.run(item).catch((error: unknown) => late.push(error));
    await vi.advanceTimersByTimeAsync(99);
    expect(late).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(late).toEqual([expect.any(BatchWaitTooLong), expect.any(BatchWaitTooLong)]);
    batch(0).finish(named([1]));
    expect(await first, 'what is under way is not given up').toBe('result of 1');
    await nextTurn();
    expect(started).toHaveLength(1);
  });

  test('lets the items that came later wait for their own time', async () => {
    const { batcher, batch } = manualBatcher(100, 1, 200);
    const first = batcher.run(1);
    await nextTurn();
    const early = batcher.run(2).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    const later = batcher.run(3);
    await vi.advanceTimersByTimeAsync(100);
    expect(await early).toBeInstanceOf(BatchWaitTooLong);
    batch(0).finish(named([1]));
    await first;
    await nextTurn();
    expect(batch(1).items).toEqual([3]);
    batch(1).finish(named([3]));
    expect(await later).toBe('result of 3');
  });

  test('is no reason to refuse items once it came back', async () => {
    const { batcher, batch } = manualBatcher(100, 1, 50);
    const lost = batcher.run(1);
    await nextTurn();
    const late = batcher.run(2).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(50);
    expect(await late).toBeInstanceOf(BatchWaitTooLong);
    batch(0).finish(named([1]));
    await lost;
    const next = batcher.run(3);
    await nextTurn();
    batch(1).finish(named([3]));
    expect(await next).toBe('result of 3');
  });
});

describe('a batch that fails', () => {
  test('fails each of its items with the same error and lets the next one run', async () => {
    const { batcher, batch } = manualBatcher(2, 1);
    const runs = Promise.allSettled([1, 2, 3].map((item) => batcher.run(item)));
    await nextTurn();
    const error = new Error('the server is gone');
    batch(0).fail(error);
    await nextTurn();
    batch(1).finish(named([3]));
    expect(await runs).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 'result of 3' },
    ]);
  });

  test('for a single bad item fails only that one', async () => {
    const batches: (readonly number[])[] = [];
    const batcher = createBatcher<number, number>({
      maxItems: 10,
      maxInFlight: 1,
      maxWaitMs: 60_000,
      retryAlone: (error) => error instanceof RangeError,
      runBatch: async (items) => {
        batches.push(items);
        if (items.includes(2)) throw new RangeError('2 is bad');
        return items;
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.run(item)));
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  test('because it has fewer results than items answers nobody with another one’s result', async () => {
    const { batcher, batch } = manualBatcher(10, 1);
    const runs = Promise.allSettled([1, 2].map((item) => batcher.run(item)));
    await nextTurn();
    batch(0).finish(named([1]));
    expect((await runs).map((r) => r.status)).toEqual(['rejected', 'rejected']);
  });
});
