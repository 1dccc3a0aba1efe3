import { Resolver } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { addressRanges } from '@reconfirm/core/client-address';
import type { FeedbackSources } from '@reconfirm/core/config/bounce-settings';
import { withinMs } from './within-ms.ts';

/** The look-ups that confirm a name; the system's unless given. */
export interface NameLookups {
  readonly reverse: (address: string) => Promise<readonly string[]>;
  readonly resolve4: (name: string) => Promise<readonly string[]>;
  readonly resolve6: (name: string) => Promise<readonly string[]>;
}

/** Of one try at one name server. */
const lookupTimeoutMs = 2000;
/** Of all look-ups together: the client waits for an answer meanwhile. */
const confirmTimeoutMs = 6000;
/** The owner of an address may list any number of names for it. */
const namesMax = 5;

const systemLookups = (): NameLookups => {
  const resolver = new Resolver({ timeout: lookupTimeoutMs, tries: 1 });
  return {
    reverse: (address) => resolver.reverse(address),
    resolve4: (name) => resolver.resolve4(name),
    resolve6: (name) => resolver.resolve6(name),
  };
};

/**
 * Says whether an address belongs to a feedback loop that the operator named: it lies in one of the ranges,
 * or one of its names in DNS lies in one of the domains and leads back to it. The name alone would prove
 * nothing: whoever owns an address may call it anything. A look-up that fails says no.
 */
export const createFeedbackSources = (
  { ranges, domains }: FeedbackSources,
  lookups: NameLookups = systemLookups(),
): ((address: string) => Promise<boolean>) => {
  const isInRanges = addressRanges(ranges);

  const isListed = (name: string): boolean => {
    const lower = name.toLowerCase().replace(/\.$/, '');
    return domains.some((domain) => lower === domain || lower.endsWith(`.${domain}`));
  };

  const leadsBack = async (name: string, address: string): Promise<boolean> => {
    const found = await (isIPv4(address) ? lookups.resolve4(name) : lookups.resolve6(name)).catch(() => []);
    const same = addressRanges([address]);
    return found.some((candidate) => same(candidate));
  };

  const isConfirmed = async (address: string): Promise<boolean> => {
    const names = (await lookups.reverse(address).catch(() => [])).filter(isListed).slice(0, namesMax);
    const confirmed = await Promise.all(names.map((name) => leadsBack(name, address)));
    return confirmed.includes(true);
  };

  return async (address) => {
    if (isInRanges(address)) return true;
    if (domains.length === 0) return false;
    return withinMs('look up a name', confirmTimeoutMs, isConfirmed(address)).catch(() => false);
  };
};
