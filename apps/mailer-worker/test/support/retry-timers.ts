import { afterAll } from 'vitest';
import { eventually } from './eventually.ts';

const countTimers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/**
 * For a file whose workers lose their queue: BullMQ waits 5 s between its calls to a store that is away,
 * and a worker that is closed meanwhile lets the last waits run out, which took more than 8 s on a busy
 * machine. Nothing may be left by then. The count is to none and not to that of the start: then a timer of
 * the test runner, which passes in a tenth of a second, would stand for one of BullMQ's later on.
 */
export const outlastRetryTimers = (): void => {
  afterAll(() => eventually('the last retry timer has run out', () => countTimers() === 0, 25_000), 30_000);
};
