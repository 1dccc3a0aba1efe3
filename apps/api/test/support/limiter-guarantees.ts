import { parseEmailAddress } from '@reconfirm/core/account';
import type { LimitSubject } from '@reconfirm/core/limits';
import { signup } from '@reconfirm/core/purposes/signup';
import { Secret } from '@reconfirm/core/secret';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { describe, expect, test } from 'vitest';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { createCheckLimits } from '../../src/check-limits.ts';
import { makeRequestKeys } from '../../src/request-keys.ts';
import { newId, subjectOf } from './limiter-stores.ts';

const anyRules = {
  contract: 'v1',
  disclosure: 'strict',
  refusesWhileEmailIsOff: false,
  asksCaptcha: false,
} as const;

export interface LimiterUnderTest {
  readonly limiter: Limiter;
  /** Moves everything that was counted into the past. */
  letTimePass(ms: number): Promise<void>;
}

/** What every limiter guarantees, whatever it keeps its counts in. */
export const testLimiter = (underTest: () => LimiterUnderTest): void => {
  const charge: Limiter['charge'] = (subject, id) => underTest().limiter.charge(subject, id);

  test('of 50 requests at once one is allowed by 1/60', async () => {
    const subject = subjectOf('address', [1, 60]);
    const decisions = await Promise.all(Array.from({ length: 50 }, () => charge(subject, newId())));
    expect(decisions.filter((d) => d.allowed)).toHaveLength(1);
    expect(new Set(decisions.filter((d) => !d.allowed).map((d) => d.retryAfterSeconds))).toEqual(
      new Set([60]),
    );
  });

  test('several limits are charged all or none', async () => {
    const subject = subjectOf('ip', [1, 60], [3, 3600]);
    expect((await charge(subject, newId())).states.map((s) => s.remaining)).toEqual([0, 2]);
    for (let i = 0; i < 5; i += 1) expect((await charge(subject, newId())).allowed).toBe(false);
    // Five refusals later the long limit still has room for two.
    await underTest().letTimePass(60_000);
    expect((await charge(subject, newId())).states.map((s) => s.remaining)).toEqual([0, 1]);
  });

  test('the same request charged again counts once and is allowed again', async () => {
    const subject = subjectOf('address', [2, 60]);
    const id = newId();
    const decisions = await Promise.all(Array.from({ length: 10 }, () => charge(subject, id)));
    expect(decisions.every((d) => d.allowed && d.states[0]?.remaining === 1)).toBe(true);
    expect((await charge(subject, newId())).allowed).toBe(true);
    expect((await charge(subject, newId())).allowed).toBe(false);
    expect((await charge(subject, id)).allowed).toBe(true);
  });

  test('a charge that is taken back leaves room for another', async () => {
    const subject = subjectOf('address', [1, 60]);
    const id = newId();
    await charge(subject, id);
    await underTest().limiter.refund(subject, newId());
    expect((await charge(subject, newId())).allowed).toBe(false);
    await underTest().limiter.refund(subject, id);
    expect((await charge(subject, newId())).allowed).toBe(true);
  });

  test('looking charges nothing and says what a charge would', async () => {
    const subject = subjectOf('address', [1, 60]);
    for (let i = 0; i < 5; i += 1)
      expect(await underTest().limiter.peek(subject)).toMatchObject({ allowed: true, retryAfterSeconds: 0 });
    expect((await charge(subject, newId())).allowed).toBe(true);
    await underTest().letTimePass(20_000);
    const seen = await underTest().limiter.peek(subject);
    expect(seen).toEqual(await charge(subject, newId()));
    expect(seen).toMatchObject({ allowed: false, retryAfterSeconds: 40 });
  });

  test('a dry run names the bucket that a request would be refused by and when it frees, and charges nothing', async () => {
    const destination = parseEmailAddress('someone@example.com', 'exact');
    if (destination === undefined) throw new Error('the address is valid');
    const limits = {
      ip: [{ max: 2, windowSeconds: 100 }],
      email: [{ max: 1, windowSeconds: 60 }],
      phone: [],
    };
    const settings = {
      // Drawn anew, so that another limiter's run of this test has other subjects.
      hashKey: new Secret(Buffer.from(newId()).toString('base64')),
      ipv6PrefixBits: 64,
      rememberSeconds: { ip: 100, email: 60, phone: 0 },
    };
    const { limiter } = underTest();
    const check = createCheckLimits({
      keys: settings,
      limiter,
      sms: { limiter, refusalOf: () => null },
      rules: new Map([['v1', () => ({ ...anyRules, limits })]]),
    });
    const asked = {
      organizationId: defaultOrganizationId,
      purpose: signup,
      destination,
      clientAddress: '192.0.2.1',
    };
    const keys = makeRequestKeys(settings, { ...asked, limits });
    for (let i = 0; i < 3; i += 1)
      expect(await check('v1', asked)).toMatchObject({ refusedBy: null, retryAfterSeconds: 0 });
    await limiter.chargeTogether([keys.ip, keys.address], newId());
    await underTest().letTimePass(20_000);
    expect(await check('v1', asked)).toMatchObject({ refusedBy: 'address', retryAfterSeconds: 40 });
    await charge(keys.ip, newId());
    // Both refuse: the client is met first, and its oldest request frees it last.
    expect(await check('v1', asked)).toMatchObject({ refusedBy: 'ip', retryAfterSeconds: 80 });
    await underTest().letTimePass(40_000);
    expect(await check('v1', asked)).toMatchObject({ refusedBy: 'ip', retryAfterSeconds: 40 });
    await underTest().letTimePass(40_000);
    const decisions = await limiter.chargeTogether([keys.ip, keys.address], newId());
    expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true]);
  });

  test.each([0, 1, 999, 12_345, 57_500])(
    '%i ms after the charge, waiting as long as a refusal says is enough, and a second less is not',
    async (agedMs) => {
      const subject = subjectOf('address', [1, 60]);
      await charge(subject, newId());
      await underTest().letTimePass(agedMs);
      const refused = await charge(subject, newId());
      expect(refused.retryAfterSeconds).toBeGreaterThanOrEqual(1);
      expect(refused.retryAfterSeconds).toBeLessThanOrEqual(Math.ceil((60_000 - agedMs) / 1000));
      if (refused.retryAfterSeconds > 5) {
        await underTest().letTimePass((refused.retryAfterSeconds - 2) * 1000);
        expect((await charge(subject, newId())).allowed).toBe(false);
        await underTest().letTimePass(2000);
      } else {
        await underTest().letTimePass(refused.retryAfterSeconds * 1000);
      }
      expect((await charge(subject, newId())).allowed).toBe(true);
    },
  );

  test('a window slides: each charge leaves it at its own time', async () => {
    const subject = subjectOf('ip', [2, 100]);
    await charge(subject, newId());
    await underTest().letTimePass(40_000);
    await charge(subject, newId());
    expect(await charge(subject, newId())).toMatchObject({ allowed: false, retryAfterSeconds: 60 });
    await underTest().letTimePass(60_000);
    expect((await charge(subject, newId())).allowed).toBe(true);
    expect(await charge(subject, newId())).toMatchObject({ allowed: false, retryAfterSeconds: 40 });
  });

  test('1/60,3/600,10/86400 is a cooldown that grows and a cap for the day', async () => {
    const subject = subjectOf('address', [1, 60], [3, 600], [10, 86_400]);
    const waits: number[] = [];
    // Whoever asks again as soon as it is allowed.
    for (let sent = 1; sent <= 11; sent += 1) {
      expect((await charge(subject, newId())).allowed, `message ${sent}`).toBe(true);
      const { retryAfterSeconds } = await charge(subject, newId());
      waits.push(retryAfterSeconds);
      await underTest().letTimePass(retryAfterSeconds * 1000);
    }
    // Rounded up, and the clock goes on while the test runs.
    const expected = [60, 60, 480, 60, 60, 480, 60, 60, 480, 84_600, 60];
    for (const [index, wait] of waits.entries()) {
      expect(wait, `after message ${index + 1}`).toBeLessThanOrEqual(expected[index] ?? 0);
      expect(wait, `after message ${index + 1}`).toBeGreaterThan((expected[index] ?? 0) - 30);
    }
  });

  test('subjects share nothing, nor do kinds of subjects', async () => {
    const subject = subjectOf('address', [1, 60]);
    await charge(subject, newId());
    expect((await charge(subjectOf('address', [1, 60]), newId())).allowed).toBe(true);
  });

  describe('of one request, charged together,', () => {
    const together = (subjects: readonly LimitSubject[], id: string) =>
      underTest().limiter.chargeTogether(subjects, id);

    test('client and address are charged both', async () => {
      const [ip, address] = [subjectOf('ip', [5, 60]), subjectOf('address', [1, 60])];
      const decisions = await together([ip, address], newId());
      expect(decisions.map((d) => [d.kind, d.allowed, d.states[0]?.remaining])).toEqual([
        ['ip', true, 4],
        ['address', true, 0],
      ]);
      expect((await underTest().limiter.peek(ip)).states[0]?.remaining).toBe(4);
      expect((await charge(address, newId())).allowed).toBe(false);
    });

    test('neither is charged when the address refuses, and both are told', async () => {
      const [ip, address] = [subjectOf('ip', [5, 60]), subjectOf('address', [1, 60])];
      await charge(address, newId());
      const decisions = await together([ip, address], newId());
      expect(decisions.map((d) => [d.kind, d.allowed, d.states[0]?.remaining])).toEqual([
        ['ip', true, 5],
        ['address', false, 0],
      ]);
      expect((await underTest().limiter.peek(ip)).states[0]?.remaining).toBe(5);
    });

    test('neither is charged when the client refuses, and the address is not told', async () => {
      const [ip, address] = [subjectOf('ip', [1, 60]), subjectOf('address', [1, 60])];
      await charge(ip, newId());
      expect(await together([ip, address], newId())).toMatchObject([
        { kind: 'ip', allowed: false, retryAfterSeconds: 60 },
      ]);
      expect((await charge(address, newId())).allowed).toBe(true);
    });

    test('50 requests at once for one address charge it once, and one of their 50 clients', async () => {
      const address = subjectOf('address', [1, 60]);
      const ips = Array.from({ length: 50 }, () => subjectOf('ip', [5, 60]));
      const decisions = await Promise.all(ips.map((ip) => together([ip, address], newId())));
      expect(decisions.filter((all) => all.every((d) => d.allowed))).toHaveLength(1);
      const left = await Promise.all(ips.map((ip) => underTest().limiter.peek(ip)));
      const remaining = left.map((d) => d.states[0]?.remaining ?? 0).toSorted((a, b) => a - b);
      expect(remaining).toEqual([4, ...Array.from({ length: 49 }, () => 5)]);
    });

    test('a subject without limits keeps nobody from the others', async () => {
      const address = subjectOf('address', [1, 60]);
      const first = await together([subjectOf('ip'), address], newId());
      const second = await together([subjectOf('ip'), address], newId());
      expect([first, second].map((all) => all.map((d) => d.allowed))).toEqual([
        [true, true],
        [true, false],
      ]);
    });

    test('the same request charged again counts once, also after one of them alone', async () => {
      const [ip, address, id] = [subjectOf('ip', [5, 60]), subjectOf('address', [1, 60]), newId()];
      await charge(ip, id);
      for (let i = 0; i < 3; i += 1)
        expect((await together([ip, address], id)).map((d) => d.states[0]?.remaining)).toEqual([4, 0]);
    });
  });

  test('a subject without limits is always allowed', async () => {
    const subject = subjectOf('ip');
    for (let i = 0; i < 3; i += 1)
      expect(await charge(subject, newId())).toMatchObject({ allowed: true, states: [] });
    expect(await underTest().limiter.peek(subject)).toMatchObject({ allowed: true });
  });

  test('clients of one IPv6 /64 share a limit, and those of the next do not', async () => {
    const email = parseEmailAddress('someone@example.com', 'exact');
    if (email === undefined) throw new Error('the address is valid');
    const subjectAt = (clientAddress: string) =>
      makeRequestKeys(
        {
          // Drawn anew, so that another limiter's run of this test has other subjects.
          hashKey: new Secret(hashKey),
          ipv6PrefixBits: 64,
          rememberSeconds: { ip: 60, email: 0, phone: 0 },
        },
        {
          organizationId: defaultOrganizationId,
          purpose: signup,
          destination: email,
          limits: { ip: [{ max: 1, windowSeconds: 60 }], email: [], phone: [] },
          clientAddress,
        },
      ).ip;
    const hashKey = Buffer.from(newId()).toString('base64');
    expect((await charge(subjectAt('2001:db8:0:1::1'), newId())).allowed).toBe(true);
    expect((await charge(subjectAt('2001:db8:0:1:ffff::9'), newId())).allowed).toBe(false);
    expect((await charge(subjectAt('2001:db8:0:2::1'), newId())).allowed).toBe(true);
    expect((await charge(subjectAt('192.0.2.1'), newId())).allowed).toBe(true);
    expect((await charge(subjectAt('::ffff:192.0.2.1'), newId())).allowed).toBe(false);
  });
};
