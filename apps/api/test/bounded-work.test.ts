import { describe, expect, it } from 'vitest';
import { createBoundedWork } from '../src/sessions/bounded-work.ts';

const bounds = { widthMax: 2, waitingMax: 3, waitMsMax: 60_000, fault: 'passwords_busy' } as const;

/** Work that runs until it is told to end. */
const openWork = () => {
  const inTurns = createBoundedWork(bounds);
  const begun: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<number>>();
  return {
    begun,
    start: (id: number): Promise<number> => {
      const end = Promise.withResolvers<number>();
      ends.set(id, end);
      return inTurns(() => {
        begun.push(id);
        return end.promise;
      });
    },
    end: (id: number) => ends.get(id)?.resolve(id),
    fail: (id: number) => ends.get(id)?.reject(new Error(`work ${id} failed`)),
  };
};

const busy = { code: 'passwords_busy', retryAfterSeconds: 2 };

describe('bounded work', () => {
  it('runs so much at once and the rest in the order in which it came', async () => {
    const work = openWork();
    const results = [1, 2, 3, 4, 5].map((id) => work.start(id));
    await Promise.resolve();
    expect(work.begun).toEqual([1, 2]);
    work.end(2);
    expect(await results[1]).toBe(2);
    expect(work.begun).toEqual([1, 2, 3]);
    for (const id of [1, 3, 4, 5]) work.end(id);
    expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5]);
    expect(work.begun).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses at once what would wait beyond the bound, and takes work again after', async () => {
    const work = openWork();
    const taken = [1, 2, 3, 4, 5].map((id) => work.start(id));
    await expect(work.start(6)).rejects.toMatchObject(busy);
    for (const id of [1, 2, 3, 4, 5]) work.end(id);
    await Promise.all(taken);
    const next = work.start(7);
    work.end(7);
    expect(await next).toBe(7);
    expect(work.begun).not.toContain(6);
  });

  it('passes the turn on when work fails', async () => {
    const work = openWork();
    const [first, second, third] = [work.start(1), work.start(2), work.start(3)];
    work.fail(1);
    await expect(first).rejects.toThrow('work 1 failed');
    expect(work.begun).toEqual([1, 2, 3]);
    work.end(2);
    work.end(3);
    expect(await Promise.all([second, third])).toEqual([2, 3]);
  });

  it('does not begin what waited too long', async () => {
    const inTurns = createBoundedWork({ ...bounds, widthMax: 1, waitMsMax: 20 });
    const held = Promise.withResolvers<void>();
    const holding = inTurns(() => held.promise);
    let hasBegun = false;
    await expect(
      inTurns(async () => {
        hasBegun = true;
      }),
    ).rejects.toMatchObject(busy);
    held.resolve();
    await holding;
    expect(hasBegun).toBe(false);
    expect(await inTurns(async () => 'free')).toBe('free');
  });
});
