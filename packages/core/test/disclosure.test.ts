import { describe, expect, test } from 'vitest';
import { accountStatuses } from '../src/account.ts';
import { disclose, readsAccount } from '../src/disclosure.ts';
import { findPurpose, purposeNames, purposes } from '../src/purposes/registry.ts';

describe('what a stranger is told', () => {
  test.each([
    ['documented', null, null],
    ['documented', 'pending', null],
    ['documented', 'active', 'already_verified'],
    ['documented', 'past_due', 'already_verified'],
    ['documented', 'suspended', 'suspended'],
    ['strict', null, null],
    ['strict', 'pending', null],
    ['strict', 'active', null],
    ['strict', 'past_due', null],
    ['strict', 'suspended', null],
  ] as const)('%s, account %s: %s', (disclosure, status, expected) =>
    expect(disclose(disclosure, status, purposes.signup)).toBe(expected),
  );

  test('under strict the account is not even read', () => {
    expect(readsAccount('strict')).toBe(false);
    expect(readsAccount('documented')).toBe(true);
  });
});

describe('every purpose', () => {
  test.each(purposeNames)('%s is known by its name and decides about every status', (name) => {
    const purpose = purposes[name];
    expect(purpose.name).toBe(name);
    expect(findPurpose(name)).toBe(purpose);
    const decisions = accountStatuses.map(purpose.ineligible);
    expect(decisions).toContain(null);
    for (const decision of decisions) expect([null, 'already_verified', 'suspended']).toContain(decision);
  });

  test.each(purposeNames)(
    '%s: a message is worth sending for some time, and not for longer than a day',
    (name) => {
      expect(purposes[name].sendWithinSeconds).toBeGreaterThan(0);
      expect(purposes[name].sendWithinSeconds).toBeLessThanOrEqual(86_400);
    },
  );

  test('a name that is not registered, and one of every object, is no purpose', () => {
    expect([findPurpose('unknown'), findPurpose('toString'), findPurpose('__proto__')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
