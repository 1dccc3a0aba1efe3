import { AsyncLocalStorage } from 'node:async_hooks';

/** How long the server may take at least to say that it has given a statement up, before we stop listening. */
export const answerMs = 250;

/** The same where statements may take so long: whoever allows them more has a slower server, or way to it. */
export const answerMsAfter = (statementTimeoutMs: number): number =>
  Math.max(answerMs, statementTimeoutMs / 6);

/** Of that, for the way of a statement and of its answer, and for a turn of either process. */
const wayMs = 100;

/**
 * How long one request may wait for Postgres, in all its waits together: for a place in a batch, for a
 * connection, for each statement. What else a request waits for (its body, a captcha's provider, the hash of a
 * password) costs it nothing.
 */
export interface WaitBudget {
  /** In ms; 0 or less when it is used up. */
  leftMs(): number;
  /**
   * How much of that may go by until a turn comes, of a batch or of a connection: half of a statement's time is
   * kept for its use. Whoever begins with less mostly does not get to the end, and where many wait, work that is
   * thrown away keeps the next from theirs.
   */
  leftToBeginMs(): number;
  /** Whether the server would end a statement that is sent now, and say so, before we stop listening. */
  outlastsStatement(): boolean;
  /** Waits at its expense, however long that takes. Waits at the same time cost once. */
  spend<T>(wait: () => Promise<T>): Promise<T>;
  /** Waits at its expense until it is used up, or for so long, then rejects with `WaitBudgetSpent`. */
  within<T>(wait: Promise<T>, options?: WithinOptions<T>): Promise<T>;
}

export interface WithinOptions<T> {
  readonly forMs?: number;
  /** Gets what comes all the same. */
  readonly tooLate?: (result: T) => void;
}

/** Whoever waited has used its time up. Nothing was sent, or nothing that could be committed. */
export class WaitBudgetSpent extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('the time that a request may wait for the database is used up');
    this.name = 'WaitBudgetSpent';
  }
}

/**
 * For one request: as long as one statement that the server ends after `statementTimeoutMs`. A request whose
 * first statement is not answered is answered then, and one with many statements has no more time than that.
 */
export const createWaitBudget = (statementTimeoutMs: number): WaitBudget => {
  const totalMs = statementTimeoutMs + answerMsAfter(statementTimeoutMs);
  let spentMs = 0;
  let waits = 0;
  let waitingSinceMs = 0;

  const leftMs = (): number => totalMs - spentMs - (waits === 0 ? 0 : performance.now() - waitingSinceMs);

  const spend: WaitBudget['spend'] = async (wait) => {
    if (waits === 0) waitingSinceMs = performance.now();
    waits += 1;
    try {
      return await wait();
    } finally {
      waits -= 1;
      if (waits === 0) spentMs += performance.now() - waitingSinceMs;
    }
  };

  return {
    leftMs,
    leftToBeginMs: () => Math.max(leftMs() - statementTimeoutMs / 2, leftMs() / 4),
    outlastsStatement: () => leftMs() >= statementTimeoutMs + wayMs,
    spend,
    within: <T>(wait: Promise<T>, { forMs = leftMs(), tooLate }: WithinOptions<T> = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      let isOver = false;
      const giveUp = (): void => {
        isOver = true;
        reject(new WaitBudgetSpent());
      };
      const timer = forMs > 0 ? setTimeout(giveUp, forMs) : undefined;
      if (timer === undefined) giveUp();
      wait
        .finally(() => clearTimeout(timer))
        .then((result) => (isOver ? tooLate?.(result) : resolve(result)), reject);
      return spend(() => promise);
    },
  };
};

/** Known to whatever is called for a request, so that no function on the way has to hand it on. */
const current = new AsyncLocalStorage<WaitBudget | undefined>();

/** Of the request that this is done for; undefined in what nobody waits for. */
export const waitBudget = (): WaitBudget | undefined => current.getStore();

/** Does the work at the expense of this budget, and of none without one. */
export const withWaitBudget = <T>(budget: WaitBudget | undefined, work: () => T): T =>
  current.run(budget, work);

/** Waits for what others wait for, too, as long as the request has time; it goes on for them. */
export const waitTogether = <T>(shared: Promise<T>): Promise<T> => waitBudget()?.within(shared) ?? shared;

/** Waits at the request's expense for something that has a deadline of its own, and is not cut short. */
export const spendOnOther = <T>(wait: () => Promise<T>): Promise<T> => {
  const budget = waitBudget();
  return budget === undefined ? wait() : budget.spend(() => withWaitBudget(undefined, wait));
};

/**
 * For work that has to be done even if its request must be answered before: has the time of its own
 * statements. Resolves when it is done, or when the request has no time left to wait for it.
 */
export const outlastBudget = async (work: () => Promise<void>): Promise<void> => {
  const budget = waitBudget();
  const done = withWaitBudget(undefined, work);
  if (budget === undefined) return done;
  await budget.within(done).catch((error: unknown) => {
    if (!(error instanceof WaitBudgetSpent)) throw error;
  });
};
