import type { WorkerConfig } from '@reconfirm/core/config/config';
import { noticesOf, purposePoliciesOf } from '@reconfirm/core/config/config';
import { providers } from '@reconfirm/core/providers/registry';
import { hardBounceDays } from '@reconfirm/core/suppression';
import type { Database } from '@reconfirm/db/database';
import type { Logger } from '@reconfirm/process/logger';
import { createDelivery, type DeliveryStore } from '../../src/deliver.ts';
import { createDeliveryStore } from '../../src/delivery-store.ts';
import { createLane } from '../../src/lane.ts';
import { createSenderLanes } from '../../src/sender-lanes.ts';
import { createMailCarrier } from '../../src/mail-carrier.ts';
import { mailSenders } from '../../src/mail-senders.ts';
import { createWorkerMetrics, type WorkerMetrics } from '../../src/metrics.ts';
import { availableLocales, createRenderer } from '../../src/render.ts';
import type { Transport } from '../../src/transports/transport.ts';

/** Between which two statements of a delivery its worker dies, or stands still until it is woken. */
export const faults = [
  'none',
  'dies_after_claim',
  'dies_after_begin',
  'dies_after_send',
  'dies_after_record',
  'sleeps_before_send',
  'sleeps_after_send',
] as const;
export type Fault = (typeof faults)[number];

/** What a delivery did that lasts, in order; what it said to the provider stands in the inbox. */
export interface Trace {
  readonly what: 'claimed' | 'begun' | 'recorded_sent' | 'recorded_other';
  readonly messageId: string;
}

export interface SteppedWorker {
  readonly metrics: WorkerMetrics;
  /** Delivers one message in a worker of its own, until it is done, dead or asleep. */
  deliver(messageId: string, fault: Fault): Promise<void>;
  /** Wakes the worker that has slept longest, and waits until it is done; nothing when none sleeps. */
  wake(): Promise<void>;
  /** How many sleep. */
  areAsleep(): number;
  /** Kills all that sleep. */
  killSleepers(): Promise<void>;
  /** What was done since this was asked last. */
  takeTraces(): readonly Trace[];
}

class Death extends Error {}

interface Sleeper {
  wake(): void;
  kill(): void;
  readonly done: Promise<void>;
}

/**
 * The real steps of a delivery on real stores, one message at a time. Each delivery is a worker of its own: what a
 * dead one had in memory is gone, and all that is left of it are its rows.
 */
export const openSteppedWorker = async (
  config: WorkerConfig,
  db: Database,
  transport: Transport,
  log: Logger,
): Promise<SteppedWorker> => {
  const renderer = await createRenderer({ brand: { name: 'Test' }, supportedLocales: availableLocales });
  const metrics = createWorkerMetrics({ inHand: () => 0, ways: () => [], queueWorking: () => true });
  const store = createDeliveryStore({
    db,
    channel: 'email',
    leaseSeconds: config.LEASE_SECONDS,
    recordPatienceMs: 5000,
    suppressDays: hardBounceDays(config.SUPPRESS_HARD_BOUNCE_DAYS),
  });
  const traces: Trace[] = [];
  const sleepers: Sleeper[] = [];

  const storeOf = (fault: Fault): DeliveryStore => ({
    ...store,
    claim: async (messageId) => {
      const claimed = await store.claim(messageId);
      if (claimed !== null) traces.push({ what: 'claimed', messageId });
      if (claimed !== null && fault === 'dies_after_claim') throw new Death();
      return claimed;
    },
    begin: async (start) => {
      const begun = await store.begin(start);
      if (begun) traces.push({ what: 'begun', messageId: start.messageId });
      if (fault === 'dies_after_begin') throw new Death();
      return begun;
    },
    record: async (record) => {
      await store.record(record);
      const what = record.status === 'sent' ? 'recorded_sent' : 'recorded_other';
      traces.push({ what, messageId: record.messageId });
      if (fault === 'dies_after_record') throw new Death();
    },
  });

  const open = (fault: Fault, sleep: () => Promise<void>) =>
    createDelivery({
      store: storeOf(fault),
      routes: [
        {
          carrier: createMailCarrier({
            renderer,
            transport: {
              ...transport,
              send: async (mail, signal) => {
                if (fault === 'sleeps_before_send') await sleep();
                const result = await transport.send(mail, signal);
                if (fault === 'sleeps_after_send') await sleep();
                if (fault === 'dies_after_send') throw new Death();
                return result;
              },
            },
            provider: providers[config.EMAIL_PROVIDER],
            headerOptions: {
              configurationSet: config.SES_CONFIGURATION_SET,
              messageStream: config.POSTMARK_MESSAGE_STREAM,
            },
            publicUrl: config.PUBLIC_URL,
            production: false,
            supportedLocales: availableLocales,
            senderOf: mailSenders(() => config),
            installationSender: config.MAIL_FROM.address,
          }),
          lane: createLane({ nowMs: () => performance.now(), chance: () => 0.5, onChange: () => {} }),
          senders: createSenderLanes({
            nowMs: () => performance.now(),
            chance: () => 0.5,
            onChange: () => {},
          }),
        },
      ],
      keys: { ring: config.TOKEN_KEYS, codeHashKey: config.ADDRESS_HASH_KEY },
      noticesOf: () => noticesOf(config),
      policiesOf: () => purposePoliciesOf(config),
      workerName: 'stepped',
      log,
      metrics,
    });

  const endOf = (delivering: Promise<void>): Promise<void> =>
    delivering.catch((error: unknown) => {
      if (!(error instanceof Death)) throw error;
    });

  return {
    metrics,
    deliver: async (messageId, fault) => {
      const asleep = Promise.withResolvers<void>();
      const dreams = Promise.withResolvers<void>();
      const sleep = (): Promise<void> => {
        asleep.resolve();
        return dreams.promise;
      };
      const done = endOf(open(fault, sleep).deliver(messageId));
      const which = await Promise.race([done.then(() => 'done'), asleep.promise.then(() => 'asleep')]);
      if (which === 'asleep')
        sleepers.push({ wake: dreams.resolve, kill: () => dreams.reject(new Death()), done });
    },
    wake: async () => {
      const sleeper = sleepers.shift();
      sleeper?.wake();
      await sleeper?.done;
    },
    areAsleep: () => sleepers.length,
    killSleepers: async () => {
      for (const sleeper of sleepers.splice(0)) {
        sleeper.kill();
        await sleeper.done;
      }
    },
    takeTraces: () => traces.splice(0),
  };
};
