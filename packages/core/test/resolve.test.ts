import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Account, accountStatuses, type AccountStatus } from '../src/account.ts';
import { newestOnly } from '../src/live-tokens.ts';
import { purposes } from '../src/purposes/registry.ts';
import { isPutOffReason, lostLeasesMax, notSentReasons, putOffReasons, resolve } from '../src/resolve.ts';

const purpose = purposes.signup;
const fresh = {
  newerMessages: 0,
  change: null,
  hasSealed: false,
  noticedToday: false,
  isSuppressed: false,
  ageSeconds: 1,
  lostLeases: 0,
};
const notices = { alreadyVerified: false, unknownAccount: false };
const on = { channelOff: false, liveTokens: newestOnly, sendWithinSeconds: 86_400, notices };
const off = { ...on, channelOff: true };

const account = (status: AccountStatus): Account => ({
  id: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
  status,
  email: 'ada@example.com',
  phone: null,
  name: null,
  locale: null,
  redirectUrl: null,
});
const pending = account('pending');

/** The worst of everything, from which one fault after another is taken away: the order of the reasons. */
const worst = {
  newerMessages: 1,
  change: null,
  hasSealed: false,
  noticedToday: false,
  isSuppressed: false,
  ageSeconds: 10 ** 9,
  lostLeases: 99,
};

describe('a claimed message', () => {
  test('of a pending account is sent', () =>
    expect(resolve(fresh, pending, purpose, on)).toEqual({
      kind: 'send',
      account: pending,
      to: pending.email,
    }));

  test('that is superseded is never sent, whoever it is for', () => {
    for (const who of [null, ...accountStatuses.map(account)])
      for (const policy of [on, off])
        expect(resolve(worst, who, purpose, policy)).toEqual({ kind: 'skip', reason: 'superseded' });
  });

  test('without an account is skipped', () =>
    expect(resolve({ ...worst, newerMessages: 0 }, null, purpose, off)).toEqual({
      kind: 'skip',
      reason: 'unknown_account',
    }));

  test.each([
    ['active', 'already_verified'],
    ['past_due', 'already_verified'],
    ['suspended', 'suspended'],
  ] as const)('of an account that is %s is skipped as %s', (status, reason) =>
    expect(resolve({ ...worst, newerMessages: 0 }, account(status), purpose, off)).toEqual({
      kind: 'skip',
      reason,
    }),
  );

  test('while mail is off gets its token and is not sent', () =>
    expect(resolve({ ...worst, newerMessages: 0 }, pending, purpose, off)).toEqual({
      kind: 'make_token_only',
      account: pending,
      reason: 'email_off',
    }));

  test('that kills its workers is set aside', () =>
    expect(resolve({ ...worst, newerMessages: 0 }, pending, purpose, on)).toEqual({
      kind: 'give_up',
      reason: 'lost_too_often',
    }));

  test('that lost one worker less is still sent', () => {
    expect(resolve({ ...fresh, lostLeases: lostLeasesMax - 1 }, pending, purpose, on).kind).toBe('send');
    expect(resolve({ ...fresh, lostLeases: lostLeasesMax }, pending, purpose, on).kind).toBe('give_up');
  });

  test('is sent up to the last second in which it is of use', () => {
    const aged = (ageSeconds: number): string => resolve({ ...fresh, ageSeconds }, pending, purpose, on).kind;
    expect(aged(on.sendWithinSeconds)).toBe('send');
    expect(resolve({ ...fresh, ageSeconds: on.sendWithinSeconds + 0.001 }, pending, purpose, on)).toEqual({
      kind: 'give_up',
      reason: 'too_late',
    });
  });

  test('is sent to nobody but a pending account, whatever else holds', () => {
    fc.assert(
      fc.property(
        fc.record({
          newerMessages: fc.nat(3),
          change: fc.constant(null),
          hasSealed: fc.boolean(),
          noticedToday: fc.boolean(),
          isSuppressed: fc.boolean(),
          ageSeconds: fc.double({ min: -1, max: 1e9, noNaN: true }),
          lostLeases: fc.nat(9),
        }),
        fc.option(fc.constantFrom(...accountStatuses)),
        fc.boolean(),
        (facts, status, emailOff) => {
          const who = status === null ? null : account(status);
          const resolution = resolve(facts, who, purpose, {
            ...on,
            channelOff: emailOff,
            liveTokens: newestOnly,
            notices,
          });
          if (resolution.kind === 'send' || resolution.kind === 'make_token_only') {
            expect(status).toBe('pending');
            expect(facts.newerMessages).toBe(0);
            expect(resolution.kind === 'make_token_only').toBe(emailOff);
          } else
            expect(Object.keys(notSentReasons)).toContain(
              'reason' in resolution ? resolution.reason : resolution.kind,
            );
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('every reason is a whole sentence', () => {
  for (const sentence of [...Object.values(notSentReasons), ...Object.values(putOffReasons)])
    expect(sentence).toMatch(/^[A-Z].{15,}\.$/);
});

test('only the reasons of putting off count as such, and no name that every object has', () => {
  expect(Object.keys(putOffReasons).every(isPutOffReason)).toBe(true);
  for (const reason of [...Object.keys(notSentReasons), 'toString', '__proto__', ''])
    expect(isPutOffReason(reason)).toBe(false);
});

describe('the recipient', () => {
  const ada: Account = { ...account('active'), phone: '+4512345678' };
  const change = {
    side: 'new',
    newAddress: 'new@example.com',
    oldAddress: 'old@example.com',
    isOpen: true,
  } as const;

  test.each([
    ['recovery', null, 'ada@example.com'],
    ['sms', null, '+4512345678'],
    ['email_change', change, 'new@example.com'],
    ['email_change', { ...change, side: 'current' }, 'ada@example.com'],
    ['email_changed', { ...change, isOpen: false }, 'old@example.com'],
  ] as const)('of %s is what the account or its change holds', (name, facts, to) =>
    expect(resolve({ ...fresh, change: facts }, ada, purposes[name], on)).toEqual({
      kind: 'send',
      account: ada,
      to,
    }),
  );

  test('of a change that is over is nobody', () =>
    expect(
      resolve({ ...fresh, change: { ...change, isOpen: false } }, ada, purposes.email_change, on),
    ).toEqual({ kind: 'skip', reason: 'change_over' }));

  test('of a change that is named by address only is left to the change that is pending', () => {
    for (const name of ['email_change', 'phone_change'] as const)
      expect(resolve(fresh, ada, purposes[name], on)).toEqual({ kind: 'resend_change', account: ada });
    expect(resolve(fresh, null, purposes.email_change, on)).toEqual({
      kind: 'skip',
      reason: 'unknown_account',
    });
  });

  test('of a channel that the account does not have is nobody', () => {
    expect(resolve(fresh, { ...ada, phone: null }, purposes.sms, on)).toMatchObject({ kind: 'skip' });
    expect(resolve(fresh, { ...ada, email: null }, purposes.recovery, on)).toMatchObject({
      reason: 'no_such_channel',
    });
  });

  test('gets as many of the newest messages as stay live, and no older one', () => {
    const policy = { ...on, liveTokens: { newest: 3, supersededWhen: 'accepted' } } as const;
    const kindOf = (newerMessages: number) =>
      resolve({ ...fresh, newerMessages }, pending, purpose, policy).kind;
    expect([0, 1, 2, 3].map(kindOf)).toEqual(['send', 'send', 'send', 'skip']);
  });
});

describe('to a suppressed address', () => {
  const suppressed = { ...fresh, isSuppressed: true };
  const skipped = { kind: 'skip', reason: 'suppressed' };
  const told = { ...on, notices: { alreadyVerified: true, unknownAccount: true } };

  test('nothing goes: no link, no code, no notice, nothing of another system', () => {
    expect(resolve(suppressed, pending, purpose, on)).toEqual(skipped);
    expect(resolve(suppressed, account('active'), purpose, told)).toEqual(skipped);
    expect(resolve({ ...suppressed, hasSealed: true }, null, purpose, told)).toEqual(skipped);
    expect(resolve({ ...suppressed, hasSealed: true }, null, purposes.relayed, on)).toEqual(skipped);
    const withPhone = { ...pending, phone: '+4520123456' };
    expect(resolve(suppressed, withPhone, purposes.sms, on)).toEqual(skipped);
  });

  test('what would not go anyway keeps its own reason', () => {
    expect(resolve(suppressed, null, purpose, on)).toMatchObject({ reason: 'unknown_account' });
    expect(resolve(suppressed, account('active'), purpose, on)).toMatchObject({ reason: 'already_verified' });
    expect(resolve({ ...suppressed, newerMessages: 1 }, pending, purpose, on)).toMatchObject({
      reason: 'superseded',
    });
    expect(resolve(suppressed, pending, purpose, off)).toMatchObject({ reason: 'email_off' });
  });

  test('a message that is too late is suppressed all the same, and shows as no failure', () =>
    expect(resolve({ ...suppressed, ageSeconds: 10 ** 9 }, pending, purpose, on)).toEqual(skipped));
});

describe('somebody who asks for what they cannot get', () => {
  const told = { ...on, notices: { alreadyVerified: true, unknownAccount: true } };
  const verified = account('active');

  test('is told so where the setting is on', () => {
    expect(resolve(fresh, verified, purpose, told)).toEqual({
      kind: 'notify',
      account: verified,
      reason: 'notice_already_verified',
    });
    expect(resolve({ ...fresh, hasSealed: true }, null, purpose, told)).toEqual({
      kind: 'notify',
      account: null,
      reason: 'notice_unknown_account',
    });
  });

  test.each([
    ['by default', fresh, on],
    ['a second time on one day', { ...fresh, hasSealed: true, noticedToday: true }, told],
    ['while mail is off', { ...fresh, hasSealed: true }, { ...told, channelOff: true }],
  ] as const)('is told nothing %s', (_, facts, policy) => {
    expect(resolve(facts, verified, purpose, policy)).toEqual({ kind: 'skip', reason: 'already_verified' });
    expect(resolve(facts, null, purpose, policy)).toEqual({ kind: 'skip', reason: 'unknown_account' });
  });

  test('is told nothing when suspended, or unknown without an address in the row', () => {
    expect(resolve(fresh, account('suspended'), purpose, told)).toEqual({
      kind: 'skip',
      reason: 'suspended',
    });
    expect(resolve(fresh, null, purpose, told)).toEqual({ kind: 'skip', reason: 'unknown_account' });
  });
});

describe('a message of another system', () => {
  test('is relayed without asking for an account, unless mail is off, it is superseded or too late', () => {
    const relayedPurpose = purposes.relayed;
    expect(resolve(fresh, null, relayedPurpose, on)).toEqual({ kind: 'relay' });
    expect(resolve(fresh, null, relayedPurpose, off)).toEqual({ kind: 'skip', reason: 'email_off' });
    expect(resolve({ ...fresh, newerMessages: 1 }, null, relayedPurpose, on)).toMatchObject({
      reason: 'superseded',
    });
    expect(resolve({ ...fresh, ageSeconds: 86_401 }, null, relayedPurpose, on)).toMatchObject({
      reason: 'too_late',
    });
  });
});
