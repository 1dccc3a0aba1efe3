import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deliveryEventTypes } from '../src/delivery-event.ts';
import type { SmsFailureCode } from '../src/sms-failure.ts';
import { twilioCodes } from '../src/sms-providers/twilio-codes.ts';
import {
  causeOfRefusal,
  causeOfReport,
  causeOn,
  hardBounceDays,
  hardBounceDaysMax,
  isEndedByProof,
  isInForce,
  passesSuppression,
  suppress,
  type Suppression,
} from '../src/suppression.ts';

const dayMs = 86_400_000;
const day = (days: number): Date => new Date(Date.UTC(2026, 0, 1) + days * dayMs);
const days = hardBounceDays(14);

describe('what suppresses an address', () => {
  test.each(deliveryEventTypes)('a report of %s, soft or without a kind: only a complaint', (type) => {
    for (const event of [{ type }, { type, bounce: 'soft' as const }])
      expect(causeOfReport(event)).toBe(type === 'complained' ? 'complaint' : null);
  });

  test('a hard bounce does, and no other report that says hard', () => {
    const causes = deliveryEventTypes.map((type) => [type, causeOfReport({ type, bounce: 'hard' })]);
    expect(Object.fromEntries(causes)).toMatchObject({
      bounced: 'hard_bounce',
      complained: 'complaint',
      failed: null,
      rejected: null,
      delivered: null,
      deferred: null,
    });
  });

  test.each([
    '550 5.1.1 <[address]>: Recipient address rejected: User unknown in virtual mailbox table',
    '550-5.1.1 The email account that you tried to reach does not exist. Please try',
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
    '550 5.2.1 The email account that you tried to reach is disabled.',
    '551 5.1.6 User has moved',
    '550 5.1.2 Domain does not exist',
    '550 5.4.4 Unable to route: no mail hosts for domain',
    '550 User unknown',
    '550 No such user here',
    '553 mailbox not found',
    '550 unknown local recipient',
    '550 Requested action not taken: mailbox does not exist',
  ])('an SMTP server that says that the mailbox is gone: %s', (reply) => {
    expect(causeOfRefusal({ channel: 'email', code: 'recipient_refused', reply })).toBe('hard_bounce');
  });

  test.each([
    ['a policy', 'recipient_refused', '550 5.7.1 Unknown user of this list, blocked'],
    ['a blocklist', 'recipient_refused', '554 5.7.1 Service unavailable; client host blocked'],
    ['a full mailbox', 'recipient_refused', '552 5.2.2 Mailbox full, user unknown to have quota'],
    ['a full mailbox without a code', 'recipient_refused', '552 Mailbox full'],
    ['no reason', 'recipient_refused', '550 Requested action not taken: mailbox unavailable'],
    ['no access', 'recipient_refused', '550 Access denied'],
    ['an undefined status', 'recipient_refused', '550 5.1.0 Address rejected'],
    ['the sender', 'recipient_refused', '550 <[address]>: Sender address rejected: Domain not found'],
    ['the client', 'recipient_refused', '550 Client host [192.0.2.1] blocked: unknown user complaints'],
    ['the message', 'message_refused', '550 5.1.1 user unknown'],
    ['a reply that passes', 'recipient_refused', '450 4.1.1 user unknown for now'],
    ['an address that cannot be mailed', 'recipient_invalid', null],
  ])('an SMTP refusal for %s does not', (_, code, reply) => {
    expect(causeOfRefusal({ channel: 'email', code, reply })).toBeNull();
  });

  test('an SMS: numbers that do not exist or take none, and STOP, by Twilio’s codes; nothing else', () => {
    const causes = [...twilioCodes].flatMap(([code, failure]) => {
      const cause = causeOfRefusal({ channel: 'sms', code: failure.code, reply: null });
      return cause === null ? [] : [[code, cause]];
    });
    expect(Object.fromEntries(causes)).toEqual({
      '21211': 'hard_bounce',
      '21610': 'opt_out',
      '21614': 'hard_bounce',
      '30005': 'hard_bounce',
      '30006': 'hard_bounce',
    });
    const unreachable: SmsFailureCode = 'number_unreachable';
    expect(causeOfRefusal({ channel: 'sms', code: unreachable, reply: null })).toBeNull();
  });

  test('a complaint on a phone is a STOP', () => {
    expect(causeOn('sms', 'complaint')).toBe('opt_out');
    expect(causeOn('email', 'complaint')).toBe('complaint');
    expect(causeOn('sms', 'hard_bounce')).toBe('hard_bounce');
  });
});

describe('how long it lasts', () => {
  test('a hard bounce lasts 14 days, then 28, 56, …, at most a year', () =>
    expect(days).toEqual([14, 28, 56, 112, 224, 365]));

  test.each([
    [0, []],
    [365, [365]],
    [200, [200, 365]],
  ])('%i days first', (first, expected) => expect(hardBounceDays(first)).toEqual(expected));

  test('any first length doubles up to the longest and ends', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: hardBounceDaysMax }), (first) => {
        const all = hardBounceDays(first);
        expect(all[0]).toBe(first);
        expect(all.at(-1)).toBe(hardBounceDaysMax);
        for (const [index, lasts] of all.entries())
          expect(lasts).toBe(Math.min(first * 2 ** index, hardBounceDaysMax));
      }),
    ));

  const first = suppress(null, 'hard_bounce', { handedOverAt: day(0), now: day(0), days });

  test('is over to the second', () => {
    if (first === null) throw new Error('not suppressed');
    expect(isInForce(first, new Date(day(14).getTime() - 1))).toBe(true);
    expect(isInForce(first, day(14))).toBe(false);
  });

  test('another bounce while it lasts changes nothing; one after it lasts twice as long', () => {
    expect(suppress(first, 'hard_bounce', { handedOverAt: day(0), now: day(1), days })).toBeNull();
    expect(suppress(first, 'hard_bounce', { handedOverAt: day(15), now: day(15), days })).toMatchObject({
      expiresAt: day(15 + 28),
      times: 2,
    });
  });

  test('a lift makes a fresh start, and what was handed over before it says nothing new', () => {
    const lifted: Suppression = {
      reason: 'hard_bounce',
      suppressedAt: day(0),
      expiresAt: day(28),
      liftedAt: day(5),
      liftedBy: 'operator',
      complaints: 0,
      times: 2,
    };
    expect(suppress(lifted, 'hard_bounce', { handedOverAt: day(4), now: day(6), days })).toBeNull();
    expect(suppress(lifted, 'complaint', { handedOverAt: day(4), now: day(6), days })).toBeNull();
    expect(suppress(lifted, 'hard_bounce', { handedOverAt: day(6), now: day(6), days })).toMatchObject({
      expiresAt: day(6 + 14),
      times: 1,
    });
  });

  test('a complaint lasts until it is lifted, whatever came before, and nothing shortens it', () => {
    const complaint = suppress(first, 'complaint', { handedOverAt: day(0), now: day(1), days });
    expect(complaint).toMatchObject({ reason: 'complaint', expiresAt: null });
    if (complaint === null) throw new Error('not suppressed');
    for (const cause of ['hard_bounce', 'opt_out'] as const)
      expect(suppress(complaint, cause, { handedOverAt: day(900), now: day(900), days })).toBeNull();
    expect(isInForce(complaint, day(10_000))).toBe(true);
  });

  test('a captcha lets messages through after the first complaint, and their use ends it; not after the second', () => {
    const complain = (prior: Suppression | null, onDay: number): Suppression => {
      const at = { handedOverAt: day(onDay), now: day(onDay), days };
      const made = suppress(prior, 'complaint', at);
      if (made === null) throw new Error('not suppressed');
      return made;
    };
    const [by, without] = [{ passedCaptcha: true }, { passedCaptcha: false }];
    const once = complain(null, 0);
    expect([passesSuppression(once, by, day(1)), passesSuppression(once, without, day(1))]).toEqual([
      true,
      false,
    ]);
    expect([isEndedByProof(once, by), isEndedByProof(once, without)]).toEqual([true, false]);

    const twice = complain(once, 1);
    expect([twice.complaints, passesSuppression(twice, by, day(2)), isEndedByProof(twice, by)]).toEqual([
      2,
      false,
      false,
    ]);
    const afterProof = complain({ ...once, liftedAt: day(2), liftedBy: 'proof' }, 3);
    expect(passesSuppression(afterProof, by, day(4))).toBe(false);
    const afterOperator = complain({ ...twice, liftedAt: day(2), liftedBy: 'operator' }, 3);
    expect(passesSuppression(afterOperator, by, day(4))).toBe(true);
  });

  test('of two messages that were under way when the first complaint came the other counts no second time', () => {
    const once = suppress(null, 'complaint', { handedOverAt: day(0), now: day(1), days });
    expect(suppress(once, 'complaint', { handedOverAt: day(0), now: day(2), days })).toBeNull();
  });

  test('a captcha lets nothing through to a mailbox that is gone, a number that said STOP, or an operator’s no', () => {
    for (const reason of ['hard_bounce', 'opt_out', 'operator'] as const) {
      const record = { reason, suppressedAt: day(0), expiresAt: day(14), liftedAt: null, liftedBy: null };
      const suppression = { ...record, complaints: 0, times: 1 };
      expect(passesSuppression(suppression, { passedCaptcha: true }, day(1))).toBe(false);
      expect(passesSuppression(suppression, { passedCaptcha: false }, day(14))).toBe(true);
      expect(isEndedByProof(suppression, { passedCaptcha: true })).toBe(reason === 'hard_bounce');
    }
  });

  test('with 0 days nothing but complaints suppresses', () => {
    const at = { handedOverAt: day(0), now: day(0), days: hardBounceDays(0) };
    expect(suppress(null, 'hard_bounce', at)).toBeNull();
    expect(suppress(null, 'opt_out', at)).toBeNull();
    expect(suppress(null, 'complaint', at)).toMatchObject({ reason: 'complaint' });
  });
});
