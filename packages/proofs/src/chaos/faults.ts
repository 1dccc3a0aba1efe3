import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';
import type { MailSink } from './mail-sink.ts';
import type { OwnRedis } from '../own-redis.ts';
import type { Random } from './random.ts';
import type { ChaosRows } from './rows.ts';

/** What is done to the installation, and how often in proportion to the others. */
const weights = {
  worker_killed: 34,
  api_killed: 14,
  redis_emptied: 26,
  redis_killed: 9,
  postgres_backend_killed: 9,
  provider_refused_us: 1,
} as const;

export type Fault = keyof typeof weights | 'deploy';

export interface FaultTargets {
  readonly fleet: Fleet;
  readonly redis: OwnRedis;
  readonly rows: ChaosRows;
  readonly sink: MailSink;
}

export interface FaultOptions {
  readonly random: Random;
  /** Mean time between two faults. */
  readonly everyMs: number;
  /** Between two deploys, in which every process that may be stopped is. */
  readonly deployEveryMs: number;
}

export interface RunningFaults {
  readonly counts: Readonly<Record<Fault, number>>;
  /** Resolves when the last fault is over and everything is up again. */
  stop(): Promise<void>;
}

const REFUSED_MS = 2000;

/** Breaks one thing after the other until it is stopped. */
export const startFaults = (targets: FaultTargets, options: FaultOptions): RunningFaults => {
  const { fleet, redis, rows, sink } = targets;
  const { random } = options;
  const counts: Record<Fault, number> = {
    worker_killed: 0,
    api_killed: 0,
    redis_emptied: 0,
    redis_killed: 0,
    postgres_backend_killed: 0,
    provider_refused_us: 0,
    deploy: 0,
  };

  const make: Record<keyof typeof weights, () => Promise<boolean> | boolean> = {
    worker_killed: () => fleet.kill('worker'),
    api_killed: () => fleet.kill('api'),
    redis_emptied: () =>
      redis.command('FLUSHALL').then(
        () => true,
        // It is not there just now.
        () => false,
      ),
    redis_killed: async () => {
      if (!redis.isUp()) return false;
      await redis.kill();
      await delay(random.between(0, 3000));
      await redis.restart();
      return true;
    },
    postgres_backend_killed: () => rows.killBackend().catch(() => false),
    provider_refused_us: () => {
      sink.refuseUntil(performance.now() + REFUSED_MS);
      return true;
    },
  };

  const carryOut = async (fault: keyof typeof weights): Promise<void> => {
    if (await make[fault]()) counts[fault] += 1;
  };

  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = (ms: number): Promise<unknown> => delay(ms, undefined, { signal }).catch(() => undefined);

  const breakThings = async (): Promise<void> => {
    while (!signal.aborted) {
      await pause(random.between(0.4, 1.6) * options.everyMs);
      if (signal.aborted) return;
      const fault = random.weighted(weights);
      // A fault that takes long does not hold up the next one.
      void carryOut(fault);
    }
  };
  const deploy = async (): Promise<void> => {
    while (!signal.aborted) {
      await pause(options.deployEveryMs);
      if (signal.aborted) return;
      await fleet.roll();
      counts.deploy += 1;
    }
  };
  const loops = [breakThings(), deploy()];

  return {
    counts,
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
      await redis.restart();
      await fleet.whole();
    },
  };
};
