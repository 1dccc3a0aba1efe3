import { type WaitBudget, waitBudget, withWaitBudget } from './wait-budget.ts';

/** Runs single items through statements that take many, so that a batch is one round trip and one commit. */
export interface Batcher<Item, Result> {
  /**
   * The item's own result. Rejects when its batch, and then the item alone, failed, and with
   * `BatchWaitTooLong` when it found no place in a batch in time: then nothing was done with it.
   */
  run(item: Item): Promise<Result>;
}

export interface BatcherOptions<Item, Result> {
  /** One result for each item, in the order of the items. */
  readonly runBatch: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Of a batch, counted by `sizeOf`; an item that is larger makes a batch alone. */
  readonly maxItems: number;
  /** How many items one stands for; 1 unless given. */
  readonly sizeOf?: (item: Item) => number;
  /** Batches under way at once. One more than one keeps the server busy while a commit waits for the disk. */
  readonly maxInFlight: number;
  /**
   * How long an item may wait for its batch, where its request has no less time for that (`leftToBeginMs`). A
   * healthy server takes the next one within milliseconds.
   */
  readonly maxWaitMs: number;
  /** Errors for which the items are worth running one by one: a single bad value must not fail its neighbours. */
  readonly retryAlone: (error: unknown) => boolean;
}

/** The item was never part of a batch, because the batches before it did not come back. */
export class BatchWaitTooLong extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('no batch was free in time');
    this.name = 'BatchWaitTooLong';
  }
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly budget: WaitBudget | undefined;
  /** Until when its request has time. */
  readonly deadlineMs: number;
  /** Until when it waits for a batch. */
  readonly untilMs: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Items that arrive in one turn of the event loop, or while all slots are busy, share the next batch:
 * nobody waits for a timer, and batches grow by themselves under load. A batch has the time of that one of its
 * requests that has the least left.
 */
export const createBatcher = <Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> => {
  const { runBatch, maxItems, sizeOf = () => 1, maxInFlight, maxWaitMs, retryAlone } = options;
  let queue: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;
  let expiry: NodeJS.Timeout | undefined;
  let expiresAtMs = Number.POSITIVE_INFINITY;
  let lastTookMs = 0;

  const runAll = async (waiting: readonly Waiting<Item, Result>[]): Promise<void> => {
    const startedAtMs = performance.now();
    const soonest = waiting.reduce((a, b) => (b.deadlineMs < a.deadlineMs ? b : a));
    try {
      const results = await withWaitBudget(soonest.budget, () => runBatch(waiting.map((w) => w.item)));
      lastTookMs = performance.now() - startedAtMs;
      if (results.length !== waiting.length)
        throw new Error(`a batch of ${waiting.length} gave ${results.length} results`);
      for (const [index, w] of waiting.entries()) w.resolve(results[index] as Result);
    } catch (error) {
      if (waiting.length > 1 && retryAlone(error)) {
        for (const w of waiting) await runAll([w]);
      } else {
        for (const w of waiting) w.reject(error);
      }
    }
  };

  /** How many of those that wait fit into one batch: at least one. */
  const firstBatchOf = (waiting: readonly Waiting<Item, Result>[]): number => {
    let size = 0;
    const tooMany = waiting.findIndex(({ item }) => (size += sizeOf(item)) > maxItems);
    return tooMany === -1 ? waiting.length : Math.max(1, tooMany);
  };

  const flush = (): void => {
    scheduled = false;
    if (inFlight < maxInFlight) refuseLate();
    while (queue.length > 0 && inFlight < maxInFlight) {
      const count = firstBatchOf(queue);
      const waiting = queue.slice(0, count);
      queue = queue.slice(count);
      inFlight += 1;
      void runAll(waiting).finally(() => {
        inFlight -= 1;
        flush();
      });
    }
    watchAll();
  };

  const refuse = (isRefused: (w: Waiting<Item, Result>) => boolean): void => {
    if (!queue.some(isRefused)) return;
    const refused = queue.filter(isRefused);
    queue = queue.filter((w) => !isRefused(w));
    for (const w of refused) w.reject(new BatchWaitTooLong());
  };

  /**
   * Whoever has less time left than the last batch took would end this one for all the others, too. The one
   * that has the most goes in any case, so that there is a next figure.
   */
  const refuseLate = (): void => {
    const nowMs = performance.now();
    const mostMs = queue.reduce((most, w) => Math.max(most, w.deadlineMs - nowMs), 0);
    const neededMs = Math.min(lastTookMs, mostMs);
    refuse((w) => w.deadlineMs <= nowMs || w.deadlineMs - nowMs < neededMs);
  };

  /** One timer for the whole queue, for the one that waits no longer than all others. */
  const watchExpiry = ({ untilMs }: Waiting<Item, Result>): void => {
    if (untilMs >= expiresAtMs) return;
    clearTimeout(expiry);
    expiresAtMs = untilMs;
    expiry = setTimeout(expire, Math.max(0, untilMs - performance.now()));
  };

  const expire = (): void => {
    expiresAtMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    refuse((w) => w.untilMs <= nowMs);
    watchAll();
  };

  const watchAll = (): void => {
    if (queue.length === 0) {
      clearTimeout(expiry);
      expiresAtMs = Number.POSITIVE_INFINITY;
    }
    for (const w of queue) watchExpiry(w);
  };

  return {
    run: (item) => {
      const budget = waitBudget();
      const nowMs = performance.now();
      const deadlineMs = nowMs + (budget?.leftMs() ?? Number.POSITIVE_INFINITY);
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      const untilMs = nowMs + Math.min(maxWaitMs, budget?.leftToBeginMs() ?? maxWaitMs);
      const waiting = { item, budget, deadlineMs, untilMs, resolve, reject };
      queue.push(waiting);
      if (inFlight >= maxInFlight) watchExpiry(waiting);
      else if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
      return budget === undefined ? promise : budget.spend(() => promise);
    },
  };
};
