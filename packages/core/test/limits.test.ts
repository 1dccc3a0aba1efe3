import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideLimits,
  type Limit,
  limitMaxMax,
  limitWindowSecondsMax,
  longestWindowSeconds,
  parseLimits,
  rememberSecondsOf,
  tightestState,
} from '../src/limits.ts';

describe('the text of a limit', () => {
  test.each([
    ['5/3600', [{ max: 5, windowSeconds: 3600 }]],
    [
      ' 1/60 , 10/86400 ',
      [
        { max: 1, windowSeconds: 60 },
        { max: 10, windowSeconds: 86_400 },
      ],
    ],
    ['off', []],
    [' off ', []],
    [`${limitMaxMax}/${limitWindowSecondsMax}`, [{ max: limitMaxMax, windowSeconds: limitWindowSecondsMax }]],
  ])('%j is read', (text, expected) => expect(parseLimits(text)).toEqual(expected));

  test.each([
    '',
    '5',
    '5/',
    '/60',
    '5/3600,',
    '0/60',
    '1/0',
    '-1/60',
    '1.5/60',
    '1/60s',
    '5:3600',
    `${limitMaxMax + 1}/60`,
    `1/${limitWindowSecondsMax + 1}`,
    '1e3/60',
    '５/60',
    'off,1/60',
    'OFF',
  ])('%j is refused with a sentence', (text) => {
    const read = parseLimits(text);
    expect('problem' in read && read.problem).toMatch(/^(must|the) .{10}/);
  });

  test('the longest window is the one whose past matters', () => {
    expect(
      longestWindowSeconds([
        { max: 1, windowSeconds: 60 },
        { max: 9, windowSeconds: 3600 },
      ]),
    ).toBe(3600);
    expect(longestWindowSeconds([])).toBe(0);
  });
});

const subject = (...limits: Limit[]): { kind: 'address'; limits: Limit[] } => ({ kind: 'address', limits });
const perMinute = { max: 1, windowSeconds: 60 };
const perHour = { max: 3, windowSeconds: 3600 };

describe('a decision', () => {
  test('without a past or without limits everything is allowed', () => {
    expect(decideLimits(subject(perMinute), [], false)).toEqual({
      allowed: true,
      kind: 'address',
      retryAfterSeconds: 0,
      states: [{ limit: perMinute, remaining: 1, resetSeconds: 60 }],
    });
    expect(decideLimits(subject(), [0, 0, 0], false).allowed).toBe(true);
  });

  test('the charged request itself is counted and not refused', () => {
    const decision = decideLimits(subject(perMinute, perHour), [0], true);
    expect(decision.allowed).toBe(true);
    expect(decision.states.map((s) => [s.remaining, s.resetSeconds])).toEqual([
      [0, 60],
      [2, 3600],
    ]);
  });

  test('a part of a second counts as a whole one: nobody is told to come too early', () =>
    expect(decideLimits(subject(perMinute), [59_999], false)).toMatchObject({
      allowed: false,
      retryAfterSeconds: 1,
    }));

  test('at the very end of the window there is room again', () =>
    expect(decideLimits(subject(perMinute), [60_000], false).allowed).toBe(true));

  test('of two full limits the longer wait is told', () =>
    expect(decideLimits(subject(perMinute, perHour), [10_000, 20_000, 1_000_000], false)).toMatchObject({
      allowed: false,
      retryAfterSeconds: 2600,
    }));

  test('the order of the past does not matter', () => {
    const ages = [5000, 1_000_000, 30_000];
    expect(decideLimits(subject(perHour), ages, false)).toEqual(
      decideLimits(subject(perHour), ages.toReversed(), false),
    );
  });

  test('the tightest of several is the one with the fewest left, then with the longest wait', () => {
    const { states } = decideLimits(subject(perMinute, perHour), [1000, 2000, 3000], false);
    expect(tightestState(states)?.limit).toEqual(perHour);
    expect(tightestState([])).toBeUndefined();
  });
});

describe('over random histories', () => {
  const limits = fc.array(
    fc.record({ max: fc.integer({ min: 1, max: 6 }), windowSeconds: fc.integer({ min: 1, max: 600 }) }),
    { minLength: 1, maxLength: 3 },
  );
  const ages = fc.array(fc.nat(700_000), { maxLength: 12 });

  test('a client that waits exactly as long as it was told is accepted, and one second less is not enough', () => {
    let refusals = 0;
    fc.assert(
      fc.property(limits, ages, (of, past) => {
        const first = decideLimits(subject(...of), past, false);
        const after = (seconds: number): boolean =>
          decideLimits(
            subject(...of),
            past.map((age) => age + seconds * 1000),
            false,
          ).allowed;
        if (first.allowed) {
          expect(first.retryAfterSeconds).toBe(0);
          return;
        }
        refusals += 1;
        expect(first.retryAfterSeconds).toBeGreaterThanOrEqual(1);
        expect(after(first.retryAfterSeconds)).toBe(true);
        expect(after(first.retryAfterSeconds - 1)).toBe(false);
      }),
      { numRuns: 3000 },
    );
    expect(refusals).toBeGreaterThanOrEqual(1000);
  });

  test('a request is allowed exactly when every limit has room, counted another way', () => {
    fc.assert(
      fc.property(limits, ages, (of, past) => {
        const hasRoom = of.every((l) => past.filter((age) => age / 1000 < l.windowSeconds).length < l.max);
        const decision = decideLimits(subject(...of), past, false);
        expect(decision.allowed).toBe(hasRoom);
        expect(decision.states.every((s) => s.remaining >= 0 && s.resetSeconds >= 0)).toBe(true);
        expect(decision.allowed).toBe(decision.states.every((s) => s.remaining > 0));
      }),
      { numRuns: 3000 },
    );
  });

  test('a client that always obeys gets no more than the limit in any window', () => {
    fc.assert(
      fc.property(limits, fc.array(fc.nat(90), { minLength: 20, maxLength: 40 }), (of, pauses) => {
        const accepted: number[] = [];
        let nowMs = 0;
        for (const pause of pauses) {
          nowMs += pause * 1000;
          const decision = decideLimits(
            subject(...of),
            accepted.map((at) => nowMs - at),
            false,
          );
          nowMs += decision.retryAfterSeconds * 1000;
          accepted.push(nowMs);
        }
        for (const limit of of)
          for (const from of accepted) {
            const inside = accepted.filter((at) => at >= from && at < from + limit.windowSeconds * 1000);
            expect(inside.length).toBeLessThanOrEqual(limit.max);
          }
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is remembered', () => {
  const limits = (windowSeconds: number) => [{ max: 1, windowSeconds }];
  const contract = { ip: limits(10), email: limits(20), phone: limits(30) };

  test('is the longest that any contract or purpose looks back, mailboxes and phones apart', () => {
    const purposes = new Map([
      ['recovery', { channel: 'email' as const, limits: limits(200) }],
      ['sms', { channel: 'sms' as const, limits: limits(300) }],
    ]);
    expect(rememberSecondsOf([contract, { ...contract, ip: limits(5), purposes }])).toEqual({
      ip: 10,
      email: 200,
      phone: 300,
    });
  });

  test('is at least what organizations may set', () =>
    expect(rememberSecondsOf([contract], 25)).toEqual({ ip: 25, email: 25, phone: 30 }));
});
