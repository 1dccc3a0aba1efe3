import { createPostgresBackend, Worker, type WorkerOptions } from 'bullmq';
import { inShortWindows, type SendRate } from '@reconfirm/core/config/rate-setting';
import type { Channel } from '@reconfirm/core/destination';
import { type Priority, priorities } from '@reconfirm/core/purposes/purpose';
import { messageIdsOfJob, queueNames } from '@reconfirm/core/jobs/send';
import { postgresConnection, type QueueBackend, queuePrefix } from './backend.ts';
import type { Ring } from './doorbell.ts';
import { createHands } from './hands.ts';

export interface MailWorkerOptions {
  readonly backend: QueueBackend;
  /** Whose queue it works on; that of e-mail unless it is said. */
  readonly channel?: Channel;
  /** Messages worked on at once. */
  readonly concurrency: number;
  /** Hand-overs of all workers together; undefined: no limit. */
  readonly rate: SendRate | undefined;
  /** Rings anew: with a rate, for each message that came in one job with another. */
  readonly ringAll: (rings: readonly Ring[]) => Promise<boolean>;
  /** Works on one message. It must not throw for anything that the message or its recipient caused. */
  readonly handle: (messageId: string, priority: Priority) => Promise<void>;
  /** Told of errors of the queue, at most once a second. */
  readonly onError: (error: Error) => void;
}

export interface MailWorker {
  /** Stops taking jobs and waits for those in hand, at most `timeoutMs`, and a second for the queue itself. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * With nothing in hand only the queue is left to be told, and it finds out by itself too. With Redis
 * away BullMQ would wait for it for ever, and a deployment for the whole of `timeoutMs`.
 */
const housekeepingMs = 1000;

/** Answers of a Redis that cannot take writes now; asking again at once only burns the CPU. */
const unwritable = /OOM|READONLY|MISCONF|NOREPLICAS|LOADING|CLUSTERDOWN/;

interface TakenJob {
  readonly id?: string | undefined;
  readonly data?: unknown;
  readonly opts?: { readonly priority?: number };
}

const limiterOf = (rate: SendRate): { readonly max: number; readonly duration: number } => {
  const { max, durationMs } = inShortWindows(rate);
  return { max, duration: durationMs };
};

/** Of a job that has none, or lost it, the first. */
const readPriority = (stored: number | undefined): Priority =>
  Object.values(priorities).find((priority) => priority === stored) ?? priorities.urgent;

/** Opens the consuming side of one channel's queue and starts it. */
export const createMailWorker = (options: MailWorkerOptions): MailWorker => {
  const channel = options.channel ?? 'email';
  const shared: Omit<WorkerOptions, 'connection'> = {
    concurrency: options.concurrency,
    // The row's lease decides who may send; the job's lock only has to outlive a hand-over.
    lockDuration: 60_000,
    stalledInterval: 15_000,
    maxStalledCount: 5,
    ...(options.rate ? { limiter: limiterOf(options.rate) } : {}),
  };
  const inHand = new Set<Promise<void>>();
  const hands = createHands({ count: options.concurrency });
  const handle = async (messageId: string, priority: Priority): Promise<void> => {
    const handled = options.handle(messageId, priority);
    inHand.add(handled);
    await handled.finally(() => inHand.delete(handled));
  };
  // Redis can lose a job's hash and keep its place in the list; its id names the first message even so.
  const process = async (job: TakenJob): Promise<void> => {
    const [first, ...others] = messageIdsOfJob(job.id ?? '', job.data);
    if (first === undefined) return;
    const priority = readPriority(job.opts?.priority);
    // The queue counts jobs, so with a rate each message needs one of its own.
    if (options.rate !== undefined && others.length > 0)
      await options.ringAll(others.map((messageId) => ({ messageId, attempt: 0, channel, priority })));
    const own = options.rate === undefined ? [first, ...others] : [first];
    await Promise.all(own.map((messageId) => hands.take(() => handle(messageId, priority), priority)));
  };
  const { backend } = options;
  const queueName = queueNames[channel];
  const open = (): Worker =>
    backend.kind === 'redis'
      ? new Worker(queueName, process, {
          ...shared,
          connection: backend.redis,
          prefix: queuePrefix(backend.prefix),
        })
      : (new Worker(
          queueName,
          process,
          { ...shared, connection: postgresConnection(backend), runRetryDelay: 1000 },
          createPostgresBackend,
        ) as unknown as Worker);

  let toldAtMs = 0;
  const tell = (error: Error): void => {
    if (Date.now() - toldAtMs < 1000) return;
    toldAtMs = Date.now();
    options.onError(error);
  };
  const keeper = backend.kind === 'redis' ? pauseWhileUnwritable(open, tell) : reopenAfterErrors(open, tell);

  return {
    close: async (timeoutMs) => {
      keeper.stop();
      hands.fold();
      // With Redis away only the forced close ends, and only as the first call: a later one joins the first.
      const isAway = backend.kind === 'redis' && backend.redis.status !== 'ready';
      if (isAway) await withinMs(Promise.allSettled(inHand), timeoutMs);
      const closed = keeper
        .current()
        .close(isAway)
        .catch(() => {});
      await withinMs(Promise.race([closed, Promise.allSettled(inHand)]), timeoutMs);
      await withinMs(closed, housekeepingMs);
    },
  };
};

const withinMs = async (work: Promise<unknown>, timeoutMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
};

/** What BullMQ could not do about a Redis in trouble it tells by its error event too. */
const quietly = async (work: Promise<void> | void): Promise<void> => {
  await Promise.resolve(work).catch(() => {});
};

/** Keeps one worker going through the troubles of its queue. */
interface Keeper {
  current(): Worker;
  stop(): void;
}

/** Grows from one trouble to the next and starts anew after a calm while, in ms. */
const createWait = (): { next(): number; calm(): void } => {
  let waitMs = 250;
  let calmSinceMs = Date.now();
  return {
    next: () => {
      waitMs = Date.now() - calmSinceMs > 30_000 ? 250 : Math.min(waitMs * 2, 5000);
      return waitMs;
    },
    calm: () => {
      calmSinceMs = Date.now();
    },
  };
};

/** Without it a full or read-only Redis makes the worker spin: about 5,000 errors a second at half a core. */
const pauseWhileUnwritable = (open: () => Worker, tell: (error: Error) => void): Keeper => {
  const worker = open();
  const wait = createWait();
  let resumeAt: NodeJS.Timeout | undefined;
  let stopped = false;
  worker.on('error', (error) => {
    if (stopped) return;
    tell(error);
    if (!unwritable.test(error.message) || resumeAt !== undefined) return;
    void quietly(worker.pause(true));
    resumeAt = setTimeout(() => {
      resumeAt = undefined;
      wait.calm();
      void quietly(worker.resume());
    }, wait.next());
  });
  return {
    current: () => worker,
    stop: () => {
      stopped = true;
      clearTimeout(resumeAt);
    },
  };
};

/**
 * On Postgres, BullMQ asks again at once after an error, and remembers a failed start for ever: with the
 * database away it runs through its loop without ever giving other work a turn. So an errant worker is
 * paused on the spot and replaced after a while; what it has in hand goes on under the row's lease.
 */
const reopenAfterErrors = (open: () => Worker, tell: (error: Error) => void): Keeper => {
  const wait = createWait();
  let reopenAt: NodeJS.Timeout | undefined;
  let stopped = false;

  const watch = (worker: Worker): Worker => {
    const replace = (error: Error): void => {
      if (stopped || worker !== current) return;
      tell(error);
      if (reopenAt !== undefined) return;
      void quietly(worker.pause(true));
      reopenAt = setTimeout(() => {
        reopenAt = undefined;
        wait.calm();
        current = watch(open());
        // Not forced: only this way does it give up waiting for a job, which it may do for an hour.
        void quietly(worker.close());
      }, wait.next());
    };
    worker.on('error', replace);
    // A refused connection is no error event to BullMQ; it only never becomes ready.
    worker.waitUntilReady().catch(replace);
    return worker;
  };
  let current = open();
  watch(current);
  return {
    current: () => current,
    stop: () => {
      stopped = true;
      clearTimeout(reopenAt);
    },
  };
};
