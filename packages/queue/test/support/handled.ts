import { expect } from 'vitest';
import type { QueueBackend } from '../../src/backend.ts';
import { createMailWorker, type MailWorker, type MailWorkerOptions } from '../../src/mail-worker.ts';

/** How long a job may take from its ring to its worker on a busy machine. */
export const seenWithinMs = 10_000;

export interface ListeningWorker extends AsyncDisposable {
  readonly worker: MailWorker;
  /** Ids of the messages that were handled, in order. */
  readonly handled: readonly string[];
  readonly errors: readonly Error[];
  seen(messageId: string): Promise<void>;
}

/** A worker that writes down what it is given. One job at a time, so that its order is the queue's. */
export const listen = (
  backend: QueueBackend,
  handle: (messageId: string) => Promise<void> = async () => {},
  more: Partial<Pick<MailWorkerOptions, 'concurrency' | 'rate' | 'ringAll'>> = {},
): ListeningWorker => {
  const handled: string[] = [];
  const errors: Error[] = [];
  const worker = createMailWorker({
    backend,
    concurrency: 1,
    rate: undefined,
    ringAll: async () => false,
    ...more,
    handle: async (messageId) => {
      handled.push(messageId);
      await handle(messageId);
    },
    onError: (error) => errors.push(error),
  });
  return {
    worker,
    handled,
    errors,
    seen: (messageId) =>
      expect.poll(() => handled, { timeout: seenWithinMs, interval: 10 }).toContain(messageId),
    [Symbol.asyncDispose]: () => worker.close(5000),
  };
};
