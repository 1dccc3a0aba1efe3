import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createHands, type HandsOptions } from '../src/hands.ts';

/** Hands whose work ends when it is told to, and the order in which it began. */
const openHands = (options: HandsOptions) => {
  const hands = createHands(options);
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const take = (name: string, priority?: 0 | 1 | 2): Promise<void> =>
    hands.take(async () => {
      began.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
    }, priority);
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await settle();
  };
  return { hands, take, began, end };
};

/** Lets everything happen that waits for nothing but its turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('of those that wait the most urgent goes first, and the longest waiting of these', async () => {
  const { take, began, end, hands } = openHands({ count: 1 });
  const all = [
    take('in hand'),
    take('later', 2),
    take('soon', 1),
    take('urgent', 0),
    take('urgent too', 0),
    take('soon too', 1),
  ];
  await settle();
  expect(hands.waiting()).toBe(5);
  const order = ['in hand', 'urgent', 'urgent too', 'soon', 'soon too', 'later'];
  for (const name of order) await end(name);
  await Promise.all(all);
  expect(began).toEqual(order);
});

test('what others have in hand counts, and never keeps all hands from working', async () => {
  let elsewhere = 3;
  const { take, began, end } = openHands({ count: 4, busyElsewhere: () => elsewhere });
  const all = ['a', 'b', 'c'].map((name) => take(name));
  await settle();
  expect(began).toEqual(['a']);
  elsewhere = 100;
  await end('a');
  expect(began).toEqual(['a', 'b']);
  elsewhere = 0;
  await end('b');
  await end('c');
  await Promise.all(all);
});

test('folded hands leave undone what waits, and finish what is in hand', async () => {
  const { hands, take, began, end } = openHands({ count: 1, spacingMs: 1_000_000 });
  const all = ['a', 'b', 'c'].map((name) => take(name));
  await settle();
  hands.fold();
  await end('a');
  await Promise.all(all);
  expect(began).toEqual(['a']);
});

describe('with a spacing', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const openSpaced = () => {
    const hands = createHands({ count: 10, spacingMs: 100 });
    const startMs = performance.now();
    const beganMs: number[] = [];
    const work = (isBad = false): Promise<void> =>
      hands.take(async () => {
        beganMs.push(performance.now() - startMs);
        if (isBad) throw new Error('bad');
      });
    return { hands, work, beganMs };
  };

  test('work of one moment begins one after the other, evenly spaced', async () => {
    const { work, beganMs } = openSpaced();
    const all = Promise.all(Array.from({ length: 5 }, () => work()));
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(beganMs).toEqual([0, 100, 200, 300, 400]);
  });

  test('work that follows when the last is done is spaced alike, however quick it is', async () => {
    const { work, beganMs } = openSpaced();
    const all = (async () => {
      for (let time = 0; time < 3; time += 1) await work();
    })();
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(beganMs).toEqual([0, 100, 200]);
  });

  test('a quiet time saves nothing up for a burst', async () => {
    const { work, beganMs } = openSpaced();
    await work();
    await vi.advanceTimersByTimeAsync(5000);
    const all = Promise.all([work(), work(), work()]);
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(beganMs).toEqual([0, 5000, 5100, 5200]);
  });

  test('work that fails passes its fault on and holds up nobody', async () => {
    const { work, beganMs } = openSpaced();
    const all = Promise.allSettled([work(true), work()]);
    await vi.advanceTimersByTimeAsync(1000);
    expect((await all).map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
    expect(beganMs).toEqual([0, 100]);
  });

  test('what is urgent takes the next turn, whatever has waited longer', async () => {
    const { hands, work } = openSpaced();
    const order: string[] = [];
    const all = Promise.all([
      work(),
      hands.take(async () => void order.push('later'), 2),
      hands.take(async () => void order.push('urgent'), 0),
    ]);
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(order).toEqual(['urgent', 'later']);
  });
});
