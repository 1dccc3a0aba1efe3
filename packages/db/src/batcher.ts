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
  /** How long an item may wait for its batch. A healthy server takes the next one within milliseconds. */
  readonly maxWaitMs: number;
  /** Errors for which the items are worth running one by one: a single bad value must not fail its neighbours. */
  readonly retryAlone: (error: unknown) => boolean;
}

/** The item was never part of a batch, because the batches before it did not come back. */
export class BatchWaitTooLong extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(waitedMs: number) {
    super(`no batch was free within ${waitedMs} ms`);
    this.name = 'BatchWaitTooLong';
  }
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly untilMs: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Items that arrive in one turn of the event loop, or while all slots are busy, share the next batch:
 * nobody waits for a timer, and batches grow by themselves under load.
 */
export const createBatcher = <Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> => {
  const { runBatch, maxItems, sizeOf = () => 1, maxInFlight, maxWaitMs, retryAlone } = options;
  let queue: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;
  let expiry: NodeJS.Timeout | undefined;

  const runAll = async (waiting: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await runBatch(waiting.map((w) => w.item));
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
    watchExpiry();
  };

  /** One timer for the whole queue: items expire in the order in which they wait. */
  const watchExpiry = (): void => {
    const first = queue[0];
    if (first === undefined) {
      clearTimeout(expiry);
      expiry = undefined;
    } else {
      expiry ??= setTimeout(expire, Math.max(0, first.untilMs - performance.now()));
    }
  };

  const expire = (): void => {
    expiry = undefined;
    const nowMs = performance.now();
    const alive = queue.findIndex((w) => w.untilMs > nowMs);
    const expired = queue.splice(0, alive === -1 ? queue.length : alive);
    for (const w of expired) w.reject(new BatchWaitTooLong(maxWaitMs));
    watchExpiry();
  };

  return {
    run: (item) =>
      new Promise((resolve, reject) => {
        queue.push({ item, untilMs: performance.now() + maxWaitMs, resolve, reject });
        if (inFlight >= maxInFlight) watchExpiry();
        else if (!scheduled) {
          scheduled = true;
          setImmediate(flush);
        }
      }),
  };
};
