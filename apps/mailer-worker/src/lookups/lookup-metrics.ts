import { Counter, Gauge, type Registry } from '@prometheus-io/client';

/** What is counted of asking providers. Labels are closed lists. */
export interface LookupMetrics {
  lookedUp(provider: string, outcome: string): void;
  lookupWorking(provider: string, working: boolean): void;
}

export const createLookupMetrics = (registers: Registry[]): LookupMetrics => {
  const lookups = new Counter({
    name: 'reconfirm_lookups_total',
    help: 'Questions to providers what became of a message, by outcome (found, nothing_new, unaskable, unclear, refused, throttled, unavailable).',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const working = new Gauge({
    name: 'reconfirm_lookup_working',
    help: '1 while a provider answers our questions, 0 while it refuses our key or does not answer; absent for one that is not asked.',
    labelNames: ['provider'],
    registers,
  });
  return {
    lookedUp: (provider, outcome) => lookups.inc({ provider, outcome }),
    lookupWorking: (provider, isWorking) => working.set({ provider }, Number(isWorking)),
  };
};
