import type { Channel } from './destination.ts';
import type { MessageStatus } from './message.ts';
import { providers } from './providers/registry.ts';
import { smsProviders } from './sms-providers/registry.ts';

/**
 * What an operator is told became of a message. Finer than the four words of the contracts: SENT is "the
 * provider took it", and UNCONFIRMED the same when a provider that reports deliveries has been silent for a day.
 */
export const deliveryStates = [
  'QUEUED',
  'NOT_SENT',
  'SENT',
  'UNCONFIRMED',
  'DELIVERED',
  'FAILED',
  'COMPLAINED',
] as const;

export type DeliveryState = (typeof deliveryStates)[number];

/** After this long without a report, a hand-over stays unconfirmed: it is not a delivery. */
export const unconfirmedAfterSeconds = 86_400;

/** Providers of a channel that report what became of a message after they took it. */
export const reportingProviders = (channel: Channel): readonly string[] =>
  Object.entries<{ readonly webhook?: unknown }>(channel === 'sms' ? smsProviders : providers)
    .filter(([, provider]) => provider.webhook !== undefined)
    .map(([name]) => name);

/** Whether silence of the provider means anything: one that never reports a delivery leaves SENT the last word. */
export const reportsDeliveries = (channel: Channel, provider: string | null): boolean =>
  provider !== null && reportingProviders(channel).includes(provider);

interface HandedOver {
  readonly status: MessageStatus;
  readonly channel: Channel;
  readonly provider: string | null;
  readonly sentAt: Date | null;
}

/** The state at `now`, which only decides between SENT and UNCONFIRMED. */
export const deliveryStateOf = (message: HandedOver, now: Date): DeliveryState => {
  switch (message.status) {
    case 'queued':
    case 'sending':
    case 'deferred':
      return 'QUEUED';
    case 'skipped':
      return 'NOT_SENT';
    case 'sent':
      return isUnconfirmed(message, now) ? 'UNCONFIRMED' : 'SENT';
    case 'delivered':
      return 'DELIVERED';
    case 'gave_up':
    case 'undelivered':
    case 'bounced':
      return 'FAILED';
    case 'complained':
      return 'COMPLAINED';
  }
};

const isUnconfirmed = ({ channel, provider, sentAt }: HandedOver, now: Date): boolean =>
  sentAt !== null &&
  reportsDeliveries(channel, provider) &&
  now.getTime() - sentAt.getTime() > unconfirmedAfterSeconds * 1000;
