import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, findFreePort } from '@reconfirm/local-stack';
import type { Installation, Settings } from '../installation.ts';
import type { ServiceProcess } from '../service-process.ts';
import type { Random } from './random.ts';
import type { Violations } from './violations.ts';

export type ServiceKind = 'api' | 'worker';

interface Slot {
  readonly kind: ServiceKind;
  readonly settings: Settings;
  /** Never killed: what it holds on to shows whether something leaks. */
  readonly isSpared: boolean;
  process: ServiceProcess | undefined;
}

export interface FleetOptions {
  readonly installation: Installation;
  readonly random: Random;
  readonly violations: Violations;
  readonly apis: number;
  readonly workers: number;
  /** Settings of all workers, and of single ones by their number from 0. */
  readonly workerSettings?: (index: number) => Settings;
  readonly apiSettings?: Settings;
}

/** What one process held at one moment. */
export interface Footprint {
  readonly atMs: number;
  readonly rssMb: number;
  readonly files: number;
}

/** The processes of an installation; one that is killed or stopped is started again at its port. */
export interface Fleet {
  readonly apiPorts: readonly number[];
  /** SIGKILL to one that runs; false when none of this kind is up that may be killed. */
  kill(kind: ServiceKind): boolean;
  /** A deploy: SIGTERM to one after the other, each started again before the next. */
  roll(): Promise<void>;
  /** SIGTERM to all; resolves when they are gone. */
  stop(): Promise<void>;
  /** Waits until all are up again. */
  whole(): Promise<void>;
  /** Of the spared API and the spared worker. */
  footprints(): Readonly<Partial<Record<ServiceKind, Footprint>>>;
  readonly starts: () => number;
  /** SIGTERM to exit, in ms. */
  readonly stopMs: readonly number[];
}

const STARTS_MAX = 10;

export const startFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { installation, random, violations } = options;
  const slots: Slot[] = [];
  const apiPorts: number[] = [];
  for (let index = 0; index < options.apis; index += 1) {
    const port = await findFreePort();
    apiPorts.push(port);
    slots.push({
      kind: 'api',
      settings: { PORT: String(port), ...options.apiSettings },
      isSpared: options.apis > 1 && index === options.apis - 1,
      process: undefined,
    });
  }
  for (let index = 0; index < options.workers; index += 1) {
    slots.push({
      kind: 'worker',
      settings: { ...options.workerSettings?.(index) },
      isSpared: options.workers > 1 && index === options.workers - 1,
      process: undefined,
    });
  }

  let starts = 0;
  let isStopping = false;
  const stopMs: number[] = [];

  const start = async (slot: Slot): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      starts += 1;
      try {
        const begin = slot.kind === 'api' ? installation.startApi : installation.startWorker;
        const started = await begin(slot.settings);
        slot.process = started;
        void watch(slot, started);
        return;
      } catch (error) {
        // Postgres may be away at this very moment; a platform starts it again, too.
        if (tries === STARTS_MAX || isStopping) throw error;
        await delay(500);
      }
    }
  };

  /** A process that ends without having been told to has found something that it cannot bear. */
  const watch = async (slot: Slot, started: ServiceProcess): Promise<void> => {
    const exit = await started.exited;
    if (slot.process !== started) return;
    slot.process = undefined;
    if (isStopping) return;
    violations.add('process_died', `${started.name}: ${describeExit(exit)}: ${started.tail(3).join(' ')}`);
    restart(slot);
  };

  const restart = (slot: Slot): void => {
    start(slot).catch((error: unknown) => violations.add('process_died', `${slot.kind}: ${String(error)}`));
  };

  await Promise.all(slots.map(start));

  const terminate = async (slot: Slot): Promise<void> => {
    const running = slot.process;
    if (running === undefined) return;
    slot.process = undefined;
    const { code, tookMs } = await running.terminate();
    stopMs.push(tookMs);
    if (code !== 0)
      violations.add('process_died', `${running.name} ended with ${code ?? 'a signal'} after SIGTERM`);
  };

  return {
    apiPorts,
    kill: (kind) => {
      const [first, ...others] = slots.filter((slot) => slot.kind === kind && !slot.isSpared && slot.process);
      if (first === undefined) return false;
      const slot = random.pick([first, ...others]);
      const running = slot.process;
      slot.process = undefined;
      void running?.kill().then(() => restart(slot));
      return true;
    },
    roll: async () => {
      for (const slot of slots) {
        if (slot.isSpared || slot.process === undefined) continue;
        await terminate(slot);
        await start(slot);
      }
    },
    stop: async () => {
      isStopping = true;
      await Promise.all(slots.map(terminate));
    },
    whole: async () => {
      while (slots.some(({ process }) => process === undefined)) await delay(50);
    },
    footprints: () =>
      Object.fromEntries(
        slots.flatMap(({ kind, isSpared, process }) =>
          isSpared && process !== undefined ? [[kind, footprintOf(process.pid)]] : [],
        ),
      ),
    starts: () => starts,
    stopMs,
  };
};

/** From Linux's /proc; elsewhere there is nothing to see. */
const footprintOf = (pid: number): Footprint => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      atMs: performance.now(),
      rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024,
      files: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return { atMs: performance.now(), rssMb: Number.NaN, files: Number.NaN };
  }
};
