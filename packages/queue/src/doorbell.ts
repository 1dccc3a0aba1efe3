import { createPostgresBackend, Queue } from 'bullmq';
import type { Channel } from '@reconfirm/core/destination';
import {
  messagesOfJobMax,
  queueNames,
  type SendJobData,
  sendJobId,
  sendJobName,
} from '@reconfirm/core/jobs/send';
import type { Priority } from '@reconfirm/core/purposes/purpose';
import { postgresConnection, type QueueBackend, queuePrefix } from './backend.ts';

/** One message at which a worker should look now. */
export interface Ring {
  readonly messageId: string;
  readonly attempt: number;
  /** Whose queue rings; e-mail unless it is said. */
  readonly channel?: Channel;
  /** Before which others it is heard; before all unless it is said. */
  readonly priority?: Priority | undefined;
}

/**
 * Tells workers that messages are due. It decides how fast a message goes, never whether: a ring that
 * fails or is lost is made good by the sweep.
 */
export interface Doorbell {
  /** Rings without waiting; rings of one turn of the event loop share a call and jobs. Never throws. */
  ring(ring: Ring): void;
  /**
   * Rings, a job for each, and tells whether the queue took it, within the deadline. With nobody to ring for it finds
   * out whether one that did not answer does again. Never throws.
   */
  ringAll(rings: readonly Ring[]): Promise<boolean>;
  /** False while the queue is known not to answer; it is tried again by itself. */
  isWorking(): boolean;
  close(): Promise<void>;
}

export interface DoorbellOptions {
  readonly backend: QueueBackend;
  /** The queue that it rings in; that of e-mail unless it is said. */
  readonly channel?: Channel;
  readonly timeoutMs: number;
  /** Told when rings begin to fail, and when they work again: once each, not for every ring. */
  readonly onChange: (change: { readonly working: boolean; readonly cause?: Error }) => void;
}

/** Failures in a row after which rings are not even tried for a while. */
const failuresToOpen = 3;
const restMs = 1000;

/**
 * A job carries ids and nothing else. `attempts: 1` and no kept jobs: a kept job would swallow every
 * later ring with its id, silently; retries are rows, not jobs.
 */
const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true, stackTraceLimit: 0 } as const;

interface Job {
  readonly name: string;
  readonly data: SendJobData;
  readonly opts: { readonly jobId: string; readonly priority?: number };
}

/** To BullMQ a job without a priority goes before those that have one, and is cheaper; 1 goes before 2. */
const optionsOf = ({ messageId, attempt, priority }: Ring): Job['opts'] => ({
  jobId: sendJobId(messageId, attempt),
  ...(priority !== undefined && priority > 0 && { priority }),
});

const jobOf = (ring: Ring, others: readonly Ring[] = []): Job => ({
  name: sendJobName,
  data: others.length === 0 ? {} : { also: others.map((other) => other.messageId) },
  opts: optionsOf(ring),
});

/** As few jobs as hold all rings, those of one priority together. */
const sharedJobsOf = (rings: readonly Ring[]): readonly Job[] => {
  const [first] = rings;
  if (rings.every(({ priority }) => priority === first?.priority)) return jobsOfAlike(rings);
  return [...Map.groupBy(rings, ({ priority }) => priority).values()].flatMap(jobsOfAlike);
};

const jobsOfAlike = (rings: readonly Ring[]): readonly Job[] => {
  const jobs: Job[] = [];
  for (let start = 0; start < rings.length; start += messagesOfJobMax) {
    const [first, ...others] = rings.slice(start, start + messagesOfJobMax);
    if (first !== undefined) jobs.push(jobOf(first, others));
  }
  return jobs;
};

/** Alone a job needs no pipeline, which costs 35 us to make: it gets a method for each of BullMQ's scripts. */
const addTo = async (queue: Queue, jobs: readonly Job[]): Promise<void> => {
  const [only] = jobs;
  if (only !== undefined && jobs.length === 1) await queue.add(only.name, only.data, only.opts);
  else await queue.addBulk([...jobs]);
};

const openQueue = (backend: QueueBackend, queueName: string): Queue =>
  backend.kind === 'redis'
    ? new Queue(queueName, {
        connection: backend.redis,
        prefix: queuePrefix(backend.prefix),
        defaultJobOptions: jobOptions,
      })
    : (new Queue(
        queueName,
        { connection: postgresConnection(backend), defaultJobOptions: jobOptions },
        createPostgresBackend,
      ) as unknown as Queue);

/** The queue said nothing in time; unlike a refusal, that is no reason to open another one. */
class QueueTooSlow extends Error {
  constructor(timeoutMs: number) {
    super(`the queue did not answer within ${timeoutMs} ms`);
    this.name = 'QueueTooSlow';
  }
}

const withDeadline = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueueTooSlow(timeoutMs)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Opens the producing side of one channel's queue. Never waits for the queue to be there. */
export const createDoorbell = (options: DoorbellOptions): Doorbell => {
  const open = (): Queue => {
    const opened = openQueue(options.backend, queueNames[options.channel ?? 'email']);
    // The connection's own listener has told it already; without one here the process would end.
    opened.on('error', () => {});
    return opened;
  };
  let queue = open();
  const replaced = new Set<Promise<void>>();
  let failures = 0;
  let restUntilMs = 0;
  let waiting: Ring[] = [];

  const settle = (cause: Error | undefined): boolean => {
    const wasWorking = failures < failuresToOpen;
    failures = cause === undefined ? 0 : failures + 1;
    if (failures >= failuresToOpen) restUntilMs = Date.now() + restMs;
    const working = failures < failuresToOpen;
    if (working !== wasWorking) options.onChange(cause === undefined ? { working } : { working, cause });
    return cause === undefined;
  };

  const add = async (jobs: readonly Job[]): Promise<boolean> => {
    if (jobs.length === 0 && failures < failuresToOpen) return true;
    if (failures >= failuresToOpen && Date.now() < restUntilMs) return false;
    try {
      await withDeadline(jobs.length === 0 ? probe() : addTo(queue, jobs), options.timeoutMs);
      return settle(undefined);
    } catch (error) {
      const rang = settle(error instanceof Error ? error : new Error(String(error)));
      if (options.backend.kind === 'postgres' && !(error instanceof QueueTooSlow)) replaceQueue();
      return rang;
    }
  };

  /** By writing: a Redis that is full, or a replica, still reads. */
  const probe = (): Promise<unknown> => {
    const { backend } = options;
    return backend.kind === 'redis'
      ? backend.redis.set(`${queuePrefix(backend.prefix)}:probe`, '1', 'PX', restMs)
      : queue.getWaitingCount();
  };

  /** On Postgres BullMQ remembers a failed start for ever; only a new queue finds the database again. */
  const replaceQueue = (): void => {
    const closing = queue.close().catch(() => {});
    replaced.add(closing);
    void closing.finally(() => replaced.delete(closing));
    queue = open();
  };

  const flush = (): void => {
    const rings = waiting;
    waiting = [];
    void add(sharedJobsOf(rings));
  };

  return {
    ring: (ring) => {
      waiting.push(ring);
      if (waiting.length === 1) setImmediate(flush);
    },
    ringAll: (rings) => add(rings.map((ring) => jobOf(ring))),
    isWorking: () => failures < failuresToOpen,
    close: async () => {
      // With Redis away close() never returns; what is lost with it is a doorbell.
      await withDeadline(Promise.all([queue.close(), ...replaced]), 1000).catch(() => {});
    },
  };
};
