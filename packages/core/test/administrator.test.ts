import { describe, expect, test } from 'vitest';
import { accountStatuses } from '../src/account.ts';
import { isLastAdministrator, reactivatedStatus } from '../src/administrator.ts';

describe('the last administrator', () => {
  test.each(accountStatuses)('an administrator who is %s', (status) => {
    const acts = status === 'active' || status === 'past_due';
    expect(isLastAdministrator({ isAdmin: true, status }, 0)).toBe(acts);
    expect(isLastAdministrator({ isAdmin: true, status }, 1)).toBe(false);
    expect(isLastAdministrator({ isAdmin: false, status }, 0)).toBe(false);
  });
});

test('whoever is let in again is where they were: waiting for a proof, or not', () => {
  expect(reactivatedStatus({ hasProvedContact: false })).toBe('pending');
  expect(reactivatedStatus({ hasProvedContact: true })).toBe('active');
});
