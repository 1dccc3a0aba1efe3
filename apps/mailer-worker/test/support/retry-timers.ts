import { createHook } from 'node:async_hooks';
import { afterAll } from 'vitest';
import { eventually } from './eventually.ts';

const countTimers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/** Where each timer that has not run out yet was set. */
const origins = new Map<number, { readonly timer: NodeJS.Timeout; readonly stack: string }>();

const originsOfTimers = createHook({
  init: (id, type, _trigger, timer) => {
    if (type === 'Timeout')
      origins.set(id, { timer: timer as NodeJS.Timeout, stack: new Error('set here').stack ?? '' });
  },
  destroy: (id) => {
    origins.delete(id);
  },
});

const pendingOrigins = (): string =>
  [...origins.values()]
    .filter(({ timer }) => timer.hasRef())
    .map(({ stack }) => stack)
    .join('\n');

/**
 * The longest that BullMQ and ioredis wait for one after the other once a worker was closed with its store away: 15 s
 * to the next look at stalled jobs, 12 s for a blocking read that is given up, 5 s to the next call. And for a busy machine.
 */
const longestMs = 45_000;

/**
 * For a file whose workers lose their queue: a worker that is closed meanwhile lets its last waits run out. Nothing
 * may be left then, or the wait says where it was set. The count is to none and not to that of the start: then a
 * timer of the test runner, which passes in a tenth of a second, would stand for one of BullMQ's later on.
 */
export const outlastRetryTimers = (): void => {
  originsOfTimers.enable();
  afterAll(async () => {
    try {
      await eventually('the last retry timer has run out', () => countTimers() === 0, longestMs);
    } catch (error) {
      throw new Error(`timers are left:\n${pendingOrigins()}`, { cause: error });
    }
  }, longestMs + 5000);
};
