import type { AccountStatus } from './account.ts';

/** Whoever has not accepted yet, or may not sign in, administers nothing. */
export const administeringStatuses = ['active', 'past_due'] as const satisfies readonly AccountStatus[];

/**
 * Whether an organization would be left without an administrator who can act. An invited one who has not
 * accepted never is the last: a mistyped invitation of the first administrator can be deleted and made anew.
 */
export const isLastAdministrator = (
  user: { readonly isAdmin: boolean; readonly status: AccountStatus },
  otherAdministrators: number,
): boolean =>
  user.isAdmin && administeringStatuses.some((status) => status === user.status) && otherAdministrators === 0;

/** The status of a user who may sign in again: what it was is told by what was proved. */
export const reactivatedStatus = (user: { readonly hasProvedContact: boolean }): AccountStatus =>
  user.hasProvedContact ? 'active' : 'pending';
