import { type AccountStatus, accountStatuses } from './account.ts';
import type { Purpose } from './purposes/purpose.ts';

/**
 * What a contract may tell a stranger. `documented`: states that its document names (already
 * verified, suspended), while absent and pending stay alike. `strict`: nothing at all.
 */
export type Disclosure = 'documented' | 'strict';

export const readsAccount = (disclosure: Disclosure): boolean => disclosure === 'documented';

/** What may be said about an account before anything is accepted; null means: answer as for everybody. */
export const disclose = (
  disclosure: Disclosure,
  status: AccountStatus | null,
  purpose: Purpose,
): 'already_verified' | 'suspended' | null =>
  disclosure === 'strict' || status === null ? null : purpose.ineligible(status);

/** The states of an account that may be told of in place of accepting anything. */
export const disclosedStatuses = (disclosure: Disclosure, purpose: Purpose): readonly AccountStatus[] =>
  accountStatuses.filter((status) => disclose(disclosure, status, purpose) !== null);
