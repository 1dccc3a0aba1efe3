import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { purposes } from '../src/purposes/registry.ts';
import { pauseSeconds, planRetry } from '../src/retry.ts';
import type { SmtpFailure } from '../src/smtp-reply.ts';

const transient: SmtpFailure = { kind: 'transient', code: 'connect' };
const ambiguous: SmtpFailure = { kind: 'ambiguous', code: 'timeout' };
const misconfigured: SmtpFailure = { kind: 'misconfigured', code: 'auth' };

describe('the wait after a failure', () => {
  test.each([
    [0, 60],
    [1, 300],
    [2, 900],
    [3, 1800],
    [4, 3600],
    [5, 7200],
    [6, 7200],
    [100, 7200],
  ])('that may pass, after %i earlier ones, is %i seconds in the middle', (failures, seconds) =>
    expect(planRetry(transient, failures, 0.5)).toEqual({ afterSeconds: seconds, countsAsFailure: true }),
  );

  test('is spread by a fifth either way, so that messages that failed together do not come back together', () => {
    expect(planRetry(transient, 0, 0).afterSeconds).toBe(48);
    expect(planRetry(transient, 0, 1).afterSeconds).toBe(72);
  });

  test('is as long as the server asks for, and at most two hours', () => {
    const asked = (retryAfterSeconds: number): number =>
      planRetry({ ...transient, retryAfterSeconds }, 0, 0.5).afterSeconds;
    expect([asked(10), asked(600), asked(7200), asked(10 ** 6)]).toEqual([60, 600, 7200, 7200]);
  });

  test('of an unknown outcome leaves the provider a minute for its own word, and counts', () => {
    expect(planRetry(ambiguous, 0, 0.5)).toEqual({ afterSeconds: 60, countsAsFailure: true });
    expect(planRetry(ambiguous, 3, 0.5)).toEqual({ afterSeconds: 180, countsAsFailure: true });
  });

  test('that is our own fault costs no recipient a try', () =>
    expect(planRetry(misconfigured, 7, 0.5)).toEqual({ afterSeconds: 300, countsAsFailure: false }));

  test('is always a whole, positive number of seconds that ends within three hours', () => {
    const kinds = fc.constantFrom(transient, ambiguous, misconfigured);
    fc.assert(
      fc.property(
        kinds,
        fc.nat(60),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.nat(10 ** 7)),
        (failure, failures, chance, asked) => {
          const { afterSeconds } = planRetry(
            asked === null ? failure : { ...failure, retryAfterSeconds: asked },
            failures,
            chance,
          );
          expect(Number.isInteger(afterSeconds)).toBe(true);
          expect(afterSeconds).toBeGreaterThan(0);
          expect(afterSeconds).toBeLessThanOrEqual(10_800);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a mail server that is down for a day is tried at least a dozen times while the mail is of use', () => {
    let elapsed = 0;
    let tries = 0;
    while (elapsed <= purposes.signup.sendWithinSeconds) {
      elapsed += planRetry(transient, tries, 1).afterSeconds;
      tries += 1;
    }
    expect(tries).toBeGreaterThanOrEqual(12);
  });
});

test('a provider that refuses us rests 5 s, 15 s, a minute, then five minutes at a time', () =>
  expect([0, 1, 2, 3, 4, 50].map((n) => pauseSeconds(n, 0.5))).toEqual([5, 15, 60, 300, 300, 300]));
