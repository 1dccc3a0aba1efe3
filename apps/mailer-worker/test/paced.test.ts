import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { paced } from '../src/paced.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that notes when it begins, at ten a second. */
const openPaced = () => {
  const beganMs: number[] = [];
  const startMs = performance.now();
  const work = paced(
    async (_item: string) => {
      beganMs.push(performance.now() - startMs);
    },
    { max: 20, windowSeconds: 2 },
  );
  return { work, beganMs };
};

test('calls of one moment begin one after the other, evenly spaced', async () => {
  const { work, beganMs } = openPaced();
  const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map(work));
  await vi.advanceTimersByTimeAsync(1000);
  await all;
  expect(beganMs).toEqual([0, 100, 200, 300, 400]);
});

test('calls one after the other are spaced alike, however quick the work is', async () => {
  const { work, beganMs } = openPaced();
  const all = (async () => {
    for (const item of ['a', 'b', 'c']) await work(item);
  })();
  await vi.advanceTimersByTimeAsync(1000);
  await all;
  expect(beganMs).toEqual([0, 100, 200]);
});

test('a quiet time saves nothing up for a burst', async () => {
  const { work, beganMs } = openPaced();
  await work('a');
  await vi.advanceTimersByTimeAsync(5000);
  const all = Promise.all(['b', 'c', 'd'].map(work));
  await vi.advanceTimersByTimeAsync(1000);
  await all;
  expect(beganMs).toEqual([0, 5000, 5100, 5200]);
});

test('work that fails passes its fault on and holds up nobody', async () => {
  const startMs = performance.now();
  const beganMs: number[] = [];
  const work = paced(
    async (item: string) => {
      beganMs.push(performance.now() - startMs);
      if (item === 'bad') throw new Error('bad');
    },
    { max: 10, windowSeconds: 1 },
  );
  const all = Promise.allSettled(['bad', 'good'].map(work));
  await vi.advanceTimersByTimeAsync(1000);
  expect((await all).map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
  expect(beganMs).toEqual([0, 100]);
});
