import type { Destination } from '@reconfirm/core/destination';
import type { PurposeLimit } from '@reconfirm/core/limit-words';
import type { LimitSubject } from '@reconfirm/core/limits';
import { purposes } from '@reconfirm/core/purposes/registry';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { RulesOf } from '../contract-rules.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { addressKeyOf, addressSubject, type KeySettings } from '../request-keys.ts';

/** What the limits of an address say now, for every purpose that somebody may ask for. Charges nothing. */
export type AddressLimits = (
  organizationId: string,
  destination: Destination,
) => Promise<readonly PurposeLimit[]>;

export interface AddressLimitsOptions {
  readonly keys: KeySettings;
  /** Of the contracts that are spoken. */
  readonly rulesOf: readonly RulesOf[];
  readonly limiter: Limiter;
  readonly smsLimiter: Limiter;
}

interface Counted {
  readonly purpose: string;
  readonly contracts: readonly string[];
  readonly subject: LimitSubject;
}

const isAskedFor = ({ askedBy, credential }: Purpose): boolean =>
  askedBy !== 'service' && credential !== 'none';

/** Refused requests are no rows, so this is all that the stores can say of them. */
export const createAddressLimits = (options: AddressLimitsOptions): AddressLimits => {
  const { keys, limiter, smsLimiter } = options;

  const countedOf = (organizationId: string, destination: Destination): readonly Counted[] => {
    const lookupKey = addressKeyOf(keys, organizationId, destination.lookupForm);
    const asked: readonly Purpose[] = Object.values(purposes);
    const rules = options.rulesOf.map((rulesOf) => rulesOf(organizationId));
    return asked
      .filter((purpose) => purpose.channel === destination.channel && isAskedFor(purpose))
      .flatMap((purpose) => {
        const counted = rules.map(({ contract, limits }) => ({
          contract,
          subject: addressSubject(keys, { organizationId, purpose, destination, limits }, lookupKey),
        }));
        return alike(counted).map((group) => ({ purpose: purpose.name, ...group }));
      });
  };

  return async (organizationId, destination) => {
    const responsible = destination.channel === 'sms' ? smsLimiter : limiter;
    const counted = countedOf(organizationId, destination).filter(({ subject }) => subject.limits.length > 0);
    return Promise.all(
      counted.map(async ({ purpose, contracts, subject }) => ({
        purpose,
        contracts,
        decision: await responsible.peek(subject),
      })),
    );
  };
};

/** Contracts that allow the same are told of once. */
const alike = (counted: readonly { readonly contract: string; readonly subject: LimitSubject }[]) =>
  [...Map.groupBy(counted, ({ subject }) => JSON.stringify(subject.limits)).values()].flatMap(
    ([first, ...more]) =>
      first === undefined
        ? []
        : [{ contracts: [first, ...more].map(({ contract }) => contract), subject: first.subject }],
  );
