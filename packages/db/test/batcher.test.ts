import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Batcher, BatchWaitTooLong, createBatcher } from '../src/batcher.ts';
import { answerMs, createWaitBudget, waitBudget, withWaitBudget } from '../src/wait-budget.ts';

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

describe('items of requests that have little time left', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const scene = () => {
    const batches: { items: readonly number[]; leftMs: number | undefined; finish: () => void }[] = [];
    const batcher = createBatcher<number, string>({
      maxItems: 100,
      maxInFlight: 1,
      maxWaitMs: 1000,
      retryAlone: () => false,
      runBatch: (items) =>
        new Promise((resolve) => {
          const leftMs = waitBudget()?.leftMs();
          batches.push({ items, leftMs, finish: () => resolve(named(items)) });
        }),
    });
    const told: (readonly [number, string])[] = [];
    /** For a request that may wait so long. */
    const run = (item: number, totalMs: number | undefined): void => {
      const budget = totalMs === undefined ? undefined : createWaitBudget(totalMs - answerMs);
      void withWaitBudget(budget, () => batcher.run(item)).then(
        () => told.push([item, 'done']),
        (error: unknown) => told.push([item, error instanceof BatchWaitTooLong ? 'refused' : 'failed']),
      );
    };
    const finish = async (index: number): Promise<void> => {
      batches[index]?.finish();
      await nextTurn();
    };
    return { batches, told, run, finish };
  };

  test('give their batch as much time as the one with the least has, whoever began it', async () => {
    const { batches, run, finish } = scene();
    run(1, 1700);
    run(2, 900);
    run(3, undefined);
    await nextTurn();
    await finish(0);
    run(4, undefined);
    await nextTurn();
    expect(batches.map(({ items, leftMs }) => ({ items, leftMs }))).toEqual([
      { items: [1, 2, 3], leftMs: 900 },
      { items: [4], leftMs: undefined },
    ]);
  });

  test('wait no longer than their own request may, behind others that may wait for longer', async () => {
    const { told, run } = scene();
    run(1, 5000);
    await nextTurn();
    run(2, 5000);
    run(3, 500);
    // All of it but the half of its statement's time (250 ms) that is kept for the batch.
    await vi.advanceTimersByTimeAsync(374);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([[3, 'refused']]);
    await vi.advanceTimersByTimeAsync(625);
    expect(told).toEqual([
      [3, 'refused'],
      [2, 'refused'],
    ]);
  });

  test('are refused when the last batch took longer than that, so that they end no other’s', async () => {
    const { batches, told, run, finish } = scene();
    run(1, 1700);
    await nextTurn();
    run(2, 1700);
    await vi.advanceTimersByTimeAsync(500);
    run(3, 1700);
    await vi.advanceTimersByTimeAsync(450);
    // The first took 950 ms; 750 are left to the second, 1,250 to the third.
    await finish(0);
    expect(batches.slice(1).map(({ items, leftMs }) => ({ items, leftMs }))).toEqual([
      { items: [3], leftMs: 1250 },
    ]);
    expect(told).toEqual([
      [1, 'done'],
      [2, 'refused'],
    ]);
  });

  test('go all the same when nobody has more, or no batch would ever tell that the server is fast again', async () => {
    const { batches, run, finish } = scene();
    run(1, 1700);
    await nextTurn();
    await vi.advanceTimersByTimeAsync(950);
    await finish(0);
    run(2, 500);
    await nextTurn();
    await finish(1);
    run(3, 100);
    run(4, 1700);
    await nextTurn();
    expect(batches.map(({ items }) => items)).toEqual([[1], [2], [3, 4]]);
  });

  test('are not refused by a server that is fast', async () => {
    const { batches, run, finish } = scene();
    run(1, 1700);
    await nextTurn();
    await vi.advanceTimersByTimeAsync(10);
    run(2, 260);
    run(3, 1700);
    await finish(0);
    expect(batches[1]?.items).toEqual([2, 3]);
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
