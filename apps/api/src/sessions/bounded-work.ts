import { AppError, type FaultCode } from '@reconfirm/core/app-error';

export interface BoundedWorkOptions {
  /** At once. */
  readonly widthMax: number;
  /** Waiting for their turn; one more is refused at once. */
  readonly waitingMax: number;
  readonly waitMsMax: number;
  readonly fault: FaultCode;
}

/** Runs work in turns. Rejects with AppError when there is too much of it; then it was not begun. */
export type BoundedWork = <T>(work: () => Promise<T>) => Promise<T>;

interface Waiting {
  readonly begin: () => void;
}

/** Work that costs memory and threads: so much at once, so much waiting, and a plain refusal of the rest. */
export const createBoundedWork = (options: BoundedWorkOptions): BoundedWork => {
  const waiting = new Set<Waiting>();
  let running = 0;

  const refusal = (): AppError =>
    new AppError(options.fault, 'more work waits than can be done in time', { retryAfterSeconds: 2 });

  const turn = (): Promise<void> => {
    if (running < options.widthMax) {
      running += 1;
      return Promise.resolve();
    }
    if (waiting.size >= options.waitingMax) return Promise.reject(refusal());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const own: Waiting = {
      begin: () => {
        clearTimeout(timer);
        resolve();
      },
    };
    const timer = setTimeout(() => {
      waiting.delete(own);
      reject(refusal());
    }, options.waitMsMax);
    waiting.add(own);
    return promise;
  };

  /** The turn goes to the next in line, or is free. */
  const passOn = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next.begin();
  };

  return async (work) => {
    await turn();
    try {
      return await work();
    } finally {
      passOn();
    }
  };
};
