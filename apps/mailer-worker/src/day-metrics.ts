import type { Registry } from '@prometheus-io/client';
import { Gauge } from '@prometheus-io/client';
import { recipientDomains } from '@reconfirm/core/mail-domain';
import type { MessageCounts } from '@reconfirm/core/numbers';
import type { MessageNumbers } from '@reconfirm/db/numbers';

/** What the messages of the last day came to, as the database knows them. */
export interface DayNumbers {
  readonly byProvider: readonly MessageNumbers[];
  readonly byDomain: readonly MessageNumbers[];
}

/** The counts that are shown; the shares are made of them where they are looked at. */
const shown = {
  attempted: 'attempted',
  sent: 'sent',
  delivered: 'delivered',
  bounced: 'bounced',
  complained: 'complained',
  unconfirmed: 'unconfirmed',
  gave_up: 'gaveUp',
  reporting: 'reporting',
  reported_delivered: 'reportedDelivered',
  provable: 'provable',
  verified: 'verified',
} as const satisfies Record<string, keyof MessageCounts>;

const domains: ReadonlySet<string> = new Set([...recipientDomains, 'sms', 'none']);

/** Gauges of the last day: their labels are of closed lists, and no address is among them. */
export const createDayMetrics = (registers: Registry[]): { readonly day: (numbers: DayNumbers) => void } => {
  const messages = new Gauge({
    name: 'reconfirm_day_messages',
    help: 'Settled messages accepted within the last day, by provider, purpose and what became of them, as the database knows them.',
    labelNames: ['provider', 'purpose', 'what'],
    registers,
  });
  const ofDomains = new Gauge({
    name: 'reconfirm_day_domain_messages',
    help: 'The same by large mail service of the recipients; other: all others together.',
    labelNames: ['domain', 'what'],
    registers,
  });
  const whats = Object.entries(shown) as readonly (readonly [string, keyof MessageCounts])[];
  return {
    day: ({ byProvider, byDomain }) => {
      messages.reset();
      ofDomains.reset();
      for (const { group, ...counts } of byProvider)
        for (const [what, name] of whats)
          messages.set(
            { provider: group.provider ?? 'none', purpose: group.purpose ?? 'none', what },
            counts[name],
          );
      for (const { group, ...counts } of byDomain) {
        const domain = group.domain ?? 'none';
        // What a newer version wrote is no value of ours.
        if (!domains.has(domain)) continue;
        for (const [what, name] of whats) ofDomains.set({ domain, what }, counts[name]);
      }
    },
  };
};
