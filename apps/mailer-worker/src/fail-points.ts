import type { FailPoint, WorkerFailPoint } from '@reconfirm/core/fail-point';
import { createPassPoint } from '@reconfirm/process/fail-point';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import type { DeliveryStore } from './deliver.ts';

/** Where a worker can be made to die: parts of it with a point before or behind what they do. */
export interface WorkerFailPoints {
  readonly store: (store: DeliveryStore) => DeliveryStore;
  readonly sweepDoorbell: (doorbell: Doorbell) => Doorbell;
}

/** Without FAILPOINT every part stays itself, so that nothing is there to cost anything. */
const none: WorkerFailPoints = { store: (store) => store, sweepDoorbell: (doorbell) => doorbell };

/**
 * The points of a worker. Those in the middle of an SMTP dialogue are not among them: a server knows better
 * than its client what it has heard.
 */
export const workerFailPointsOf = (failPoint: FailPoint<WorkerFailPoint> | undefined): WorkerFailPoints => {
  if (failPoint === undefined) return none;
  const pass = createPassPoint(failPoint);
  return {
    store: (store) => ({
      ...store,
      claim: async (messageId) => {
        const claimed = await store.claim(messageId);
        if (claimed !== null) await pass('worker.after_claim');
        return claimed;
      },
      begin: async (start) => {
        const mayGo = await store.begin(start);
        if (mayGo) await pass('worker.after_attempt_row');
        return mayGo;
      },
      record: async (record) => {
        const wasTaken = record.result === 'accepted';
        if (wasTaken) await pass('worker.after_250_before_record');
        await store.record(record);
        if (wasTaken) await pass('worker.after_record_before_job_done');
      },
    }),
    // The sweep rings what it has just marked.
    sweepDoorbell: (doorbell) => ({
      ...doorbell,
      ringAll: async (rings) => {
        if (rings.length > 0) await pass('sweep.after_mark');
        return doorbell.ringAll(rings);
      },
    }),
  };
};
