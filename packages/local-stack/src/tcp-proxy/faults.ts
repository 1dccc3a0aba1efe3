import { type Trigger, type Watch, watchFor } from './trigger.ts';

export type Side = 'client' | 'server';

/**
 * What becomes of the bytes that set a fault off. `cut`: they pass, and the connection breaks. `lose-answer`:
 * they pass, and the connection breaks when the other side answers, in place of the answer. `shut`: they do
 * not pass, and nothing that anybody on that side says does from then on.
 */
export type Effect = 'cut' | 'lose-answer' | 'shut';

/** Faults that wait for somebody to say something; each happens once. */
export interface Faults {
  /** Resolves when it has happened. */
  add(from: Side, trigger: Trigger, effect: Effect): Promise<void>;
  /** The first fault that these bytes of a connection set off: how many of them did, and what it does. */
  find(from: Side, connection: object, bytes: Buffer): Found | undefined;
}

export interface Found {
  readonly length: number;
  readonly effect: Effect;
  readonly happened: () => void;
}

interface Fault {
  readonly from: Side;
  readonly watch: Watch;
  readonly effect: Effect;
  readonly happened: () => void;
}

export const createFaults = (): Faults => {
  const faults = new Set<Fault>();
  return {
    add: (from, trigger, effect) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      faults.add({ from, watch: watchFor(trigger), effect, happened: resolve });
      return promise;
    },
    find: (from, connection, bytes) => {
      for (const fault of faults) {
        if (fault.from !== from) continue;
        const length = fault.watch(connection, bytes);
        if (length === undefined) continue;
        faults.delete(fault);
        return { length, effect: fault.effect, happened: fault.happened };
      }
      return undefined;
    },
  };
};
