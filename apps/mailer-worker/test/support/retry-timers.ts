import { afterAll, beforeAll } from 'vitest';
import { eventually } from './eventually.ts';

const countTimers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/**
 * For a file whose workers lose their queue: BullMQ waits 5 s between its calls to a store that is away,
 * and a worker that is closed meanwhile lets the last wait run out. Nothing else may be left by then.
 */
export const outlastRetryTimers = (withinMs = 8000): void => {
  let before = 0;
  beforeAll(() => {
    before = countTimers();
  });
  afterAll(() => eventually('the last retry timer has run out', () => countTimers() <= before, withinMs));
};
