import type { ApiFailPoint, FailPoint } from '@reconfirm/core/fail-point';
import { createPassPoint } from '@reconfirm/process/fail-point';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import type { IntakeOptions } from './intake.ts';
import type { WebhookDependencies } from './webhooks.ts';

/** Where the API can be made to die: parts of it with a point before or behind what they do. */
export interface ApiFailPoints {
  readonly onBatch: (onBatch: IntakeOptions['onBatch']) => IntakeOptions['onBatch'];
  readonly doorbell: (doorbell: Doorbell) => Doorbell;
  readonly store: (store: WebhookDependencies['store']) => WebhookDependencies['store'];
}

/** Without FAILPOINT every part stays itself, so that nothing is there to cost anything. */
const none: ApiFailPoints = {
  onBatch: (onBatch) => onBatch,
  doorbell: (doorbell) => doorbell,
  store: (store) => store,
};

/** The points of an API. */
export const apiFailPointsOf = (failPoint: FailPoint<ApiFailPoint> | undefined): ApiFailPoints => {
  if (failPoint === undefined) return none;
  const pass = createPassPoint(failPoint);
  return {
    // Told right before the INSERT of the batch is sent.
    onBatch: (onBatch) => (size) => {
      void pass('api.before_commit');
      onBatch(size);
    },
    doorbell: (doorbell) => ({
      ...doorbell,
      // The intake rings when the commit is known, before anybody is answered.
      ring: (ring) => {
        void pass('api.after_commit');
        // The answer is written in this turn of the event loop.
        setImmediate(() => {
          void pass('api.after_reply');
          // `ring` does not tell when it is done.
          void doorbell.ringAll([ring]).then((rang) => (rang ? pass('api.after_ring') : undefined));
        });
      },
    }),
    store: (store) => async (events) => {
      const outcomes = await store(events);
      await pass('webhook.after_insert');
      return outcomes;
    },
  };
};
