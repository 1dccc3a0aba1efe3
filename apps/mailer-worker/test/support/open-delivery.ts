import {
  noticesOf,
  purposePoliciesOf,
  readWorkerConfig,
  type Environment,
} from '@reconfirm/core/config/config';
import { providers } from '@reconfirm/core/providers/registry';
import { hardBounceDays } from '@reconfirm/core/suppression';
import type { KeyRing } from '@reconfirm/core/token';
import type { AttemptStart } from '@reconfirm/db/claims';
import type { Carrier } from '../../src/carrier.ts';
import { createDelivery, type Delivery, type DeliveryStore } from '../../src/deliver.ts';
import { createDeliveryStore } from '../../src/delivery-store.ts';
import { createLane } from '../../src/lane.ts';
import { createSenderLanes } from '../../src/sender-lanes.ts';
import { createMailCarrier } from '../../src/mail-carrier.ts';
import { mailSenders } from '../../src/mail-senders.ts';
import { createWorkerMetrics } from '../../src/metrics.ts';
import { availableLocales, createRenderer } from '../../src/render.ts';
import type { OutgoingMail, SendResult, Transport } from '../../src/transports/transport.ts';
import type { Scene } from './scene.ts';

/** What stands in for the provider: a test decides what becomes of each mail. */
export type Send = (mail: OutgoingMail, signal: AbortSignal) => Promise<SendResult>;

export interface OpenedDelivery {
  readonly delivery: Delivery;
  /** The store it works with: the real one, whose calls a test may surround. */
  readonly store: DeliveryStore;
  readonly keys: KeyRing;
  /** Every attempt that was begun, with what its token is derived from. */
  readonly starts: readonly AttemptStart[];
}

const accepted: SendResult = { kind: 'accepted', reply: '250 queued' };

/** The steps of one message on the scene's database, without queue, sweep and lease keeper around them. */
export const openDelivery = async (
  scene: Scene,
  changes: Environment = {},
  send: Send = () => Promise.resolve(accepted),
  changeCarrier: (carrier: Carrier) => Carrier = (carrier) => carrier,
): Promise<OpenedDelivery> => {
  const read = readWorkerConfig(scene.environment(changes));
  if ('problems' in read) throw new Error(read.problems.join('; '));
  const { config } = read;
  const starts: AttemptStart[] = [];
  const real = createDeliveryStore({
    db: scene.db,
    channel: 'email',
    leaseSeconds: config.LEASE_SECONDS,
    recordPatienceMs: 5000,
    suppressDays: hardBounceDays(config.SUPPRESS_HARD_BOUNCE_DAYS),
  });
  const store: DeliveryStore = {
    ...real,
    begin: (start) => {
      starts.push(start);
      return real.begin(start);
    },
  };
  const transport: Transport = { name: 'test', send, close: () => Promise.resolve() };
  const carrier = createMailCarrier({
    renderer: await createRenderer({ brand: { name: 'Test' }, supportedLocales: availableLocales }),
    transport,
    provider: providers[config.EMAIL_PROVIDER],
    headerOptions: {
      configurationSet: config.SES_CONFIGURATION_SET,
      messageStream: config.POSTMARK_MESSAGE_STREAM,
    },
    publicUrl: config.PUBLIC_URL,
    production: config.NODE_ENV === 'production',
    supportedLocales: availableLocales,
    senderOf: mailSenders(() => config),
    installationSender: config.MAIL_FROM.address,
  });
  const delivery = createDelivery({
    store: { ...store, claim: (id) => store.claim(id) },
    routes: [
      {
        carrier: changeCarrier(carrier),
        lane: createLane({ nowMs: () => performance.now(), chance: () => 0.5, onChange: () => {} }),
        senders: createSenderLanes({ nowMs: () => performance.now(), chance: () => 0.5, onChange: () => {} }),
      },
    ],
    keys: { ring: config.TOKEN_KEYS, codeHashKey: config.ADDRESS_HASH_KEY },
    noticesOf: () => noticesOf(config),
    policiesOf: () => purposePoliciesOf(config),
    workerName: 'test',
    log: scene.log,
    metrics: createWorkerMetrics({ inHand: () => 0, ways: () => [], queueWorking: () => true }),
  });
  return { delivery, store, keys: config.TOKEN_KEYS, starts };
};
