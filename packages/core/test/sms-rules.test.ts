import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readApiConfig, readWorkerConfig } from '../src/config/config.ts';
import { mustPause } from '../src/sms-circuit.ts';
import {
  judgeSmsNumber,
  parseAllowedPrefixes,
  parseSmsBudget,
  parseSmsCountries,
  parseSmsPrices,
  priceOf,
  type SmsPrices,
} from '../src/sms-policy.ts';
import { resolve } from '../src/resolve.ts';
import { explainMessage } from '../src/timeline.ts';
import { purposes } from '../src/purposes/registry.ts';

describe('where SMS may go', () => {
  const rulesOf = (countries: string) => {
    const parsed = parseSmsCountries(countries);
    if ('problem' in parsed) throw new Error(parsed.problem);
    return { countries: parsed, allowedPrefixes: [] };
  };

  test.each([
    ['DK,SE', '+4520123456', 'DK'],
    [' DK , SE ', '+46701740605', 'SE'],
    ['*', '+12025550123', 'US'],
    ['', '+4520123456', 'sms_country_not_allowed'],
    ['DK', '+12025550123', 'sms_country_not_allowed'],
    ['GB', '+447911123456', 'sms_country_not_allowed'],
    ['*', '+4590123456', 'sms_number_not_allowed'],
    ['*', 'nobody', 'sms_number_not_allowed'],
  ])('with "%s" %s is %s', (countries, raw, expected) => {
    const judged = judgeSmsNumber(raw, rulesOf(countries));
    expect('refusal' in judged ? judged.refusal : judged.number.country).toBe(expected);
  });

  test.each(['XX', 'dk', 'DK,*', 'Denmark', 'DK;SE'])('"%s" is no list of countries', (text) =>
    expect(parseSmsCountries(text)).toHaveProperty('problem'),
  );

  test('prefixes name their country', () => {
    expect(parseAllowedPrefixes('DK:+4591, GB:+447999')).toEqual([
      { country: 'DK', prefix: '+4591' },
      { country: 'GB', prefix: '+447999' },
    ]);
    for (const wrong of ['+4591', 'DK:4591', 'XX:+4591', 'DK:+', 'DK:+45 91'])
      expect(parseAllowedPrefixes(wrong), wrong).toHaveProperty('problem');
  });
});

describe('what SMS cost', () => {
  test('prices are by country, else the default, in millionths', () => {
    const prices = parseSmsPrices('DK=0.05,default=0.1') as SmsPrices;
    expect([priceOf(prices, 'DK'), priceOf(prices, 'SE')]).toEqual([50_000, 100_000]);
    expect(priceOf(parseSmsPrices('DK=0.05') as SmsPrices, 'SE')).toBeUndefined();
    for (const wrong of ['DK', 'DK=', 'DK=0', 'DK=-1', 'DK=1e3', 'DK=0.0000001', 'XX=1'])
      expect(parseSmsPrices(wrong), wrong).toHaveProperty('problem');
  });

  test('every price of six places is read to the millionth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000_000 }), (micros) => {
        const text = `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`;
        expect((parseSmsPrices(`default=${text}`) as SmsPrices).otherwise).toBe(micros);
      }),
      { numRuns: 5000 },
    );
  });

  test('budgets are of an hour and of a day', () => {
    expect(parseSmsBudget('10/50')).toEqual({ hourMicros: 10_000_000, dayMicros: 50_000_000 });
    for (const wrong of ['10', '10/', '/50', '10/50/60', 'ten/fifty', ''])
      expect(parseSmsBudget(wrong), wrong).toHaveProperty('problem');
  });
});

describe('when a block is paused', () => {
  const rules = { pauseBelowPercent: 10, sendsMin: 30 };
  test.each([
    [29, 0, false],
    [30, 0, true],
    [30, 2, true],
    [30, 3, false],
    [500, 49, true],
    [500, 50, false],
  ])('%i sent and %i used: %s', (sent, verified, paused) =>
    expect(mustPause({ sent, verified }, rules)).toBe(paused),
  );
  test('0 per cent never pauses', () =>
    expect(mustPause({ sent: 500, verified: 0 }, { ...rules, pauseBelowPercent: 0 })).toBe(false));
});

describe('SMS settings', () => {
  const base = {
    DATABASE_URL: 'postgres://x@localhost/x',
    QUEUE_BACKEND: 'postgres',
    PUBLIC_URL: 'https://verify.example.com',
    TOKEN_KEYS: `1:${Buffer.alloc(32, 1).toString('base64')}`,
    ADDRESS_HASH_KEY: Buffer.alloc(32, 2).toString('base64'),
    SMTP_URL: 'smtp://localhost',
    MAIL_FROM: 'a@example.com',
  };
  const problemsOf = (more: Record<string, string>): string => {
    const read = readWorkerConfig({ ...base, ...more });
    return 'problems' in read ? read.problems.join('\n') : '';
  };

  test('without any of them SMS is off, and nothing is asked for', () => {
    const read = readWorkerConfig(base);
    expect(read).toMatchObject({
      config: { SMS_PROVIDER: 'none', SMS_COUNTRIES: { kind: 'only', countries: new Set() } },
    });
  });

  test.each([
    [{ SMS_PROVIDER: 'log' }, /SMS_PROVIDER must not be log in production/],
    [{ SMS_COUNTRIES: '*' }, /SMS_COUNTRIES must not be \* in production/],
    [{ SMS_PROVIDER: 'twilio' }, /TWILIO_ACCOUNT_SID .*\nTWILIO_AUTH_TOKEN .*\nSMS_FROM /],
    [{ SMS_PROVIDER: 'http' }, /SMS_HTTP_URL is required/],
    [{ SMS_PROVIDER: 'http', SMS_HTTP_URL: 'http://a.example/' }, /SMS_HTTP_URL must start with https/],
    [
      {
        SMS_PROVIDER: 'http',
        SMS_HTTP_URL: 'https://a.example/',
        SMS_COUNTRIES: 'DK,SE',
        SMS_PRICES: 'DK=0.05',
      },
      /SMS_PRICES must hold a price for SE/,
    ],
  ])('%j is refused', (more, problem) => expect(problemsOf(more)).toMatch(problem));

  test('the API takes the same, and needs no secret of the worker', () => {
    const read = readApiConfig({ ...base, SMS_PROVIDER: 'twilio', SMS_COUNTRIES: 'DK' });
    expect(read).toHaveProperty('config');
  });
});

describe('an SMS that is not sent', () => {
  const account = {
    id: 'a',
    status: 'pending' as const,
    email: null,
    phone: '+4520123456',
    name: null,
    locale: null,
    redirectUrl: null,
  };
  const facts = {
    newerMessages: 0,
    change: null,
    hasSealed: true,
    noticedToday: false,
    isSuppressed: false,
    ageSeconds: 1,
    lostLeases: 0,
  };
  const liveTokens = { newest: 1, supersededWhen: 'accepted' as const };
  const notices = { alreadyVerified: true, unknownAccount: true };

  test('because it is off says so, and one that is too old is given up', () => {
    const off = resolve(facts, account, purposes.sms, {
      channelOff: true,
      liveTokens,
      sendWithinSeconds: 600,
      notices,
    });
    expect(off).toMatchObject({ kind: 'make_token_only', reason: 'sms_off' });
    const late = { ...facts, ageSeconds: 601 };
    const on = { channelOff: false, liveTokens, sendWithinSeconds: 600, notices };
    expect(resolve(late, account, purposes.sms, on)).toEqual({ kind: 'give_up', reason: 'too_late' });
  });

  test('tells nobody anything by SMS, whatever notices are on', () => {
    const on = { channelOff: false, liveTokens, sendWithinSeconds: 600, notices };
    expect(resolve(facts, null, purposes.sms, on)).toEqual({ kind: 'skip', reason: 'unknown_account' });
    const proved = { ...account, status: 'active' as const };
    const once = { ...purposes.sms, ineligible: purposes.signup.ineligible };
    expect(resolve(facts, proved, once, on)).toEqual({ kind: 'skip', reason: 'already_verified' });
  });

  test('because another system sent it here while SMS are off says so', () =>
    expect(
      resolve(facts, null, purposes.relayed_sms, {
        channelOff: true,
        liveTokens,
        sendWithinSeconds: 600,
        notices,
      }),
    ).toEqual({
      kind: 'skip',
      reason: 'sms_off',
    }));

  test('because nobody knows whether it was taken is told apart from one that failed', () => {
    const at = new Date('2026-11-18T00:00:00Z');
    const { summary } = explainMessage(
      {
        message: {
          channel: 'sms',
          status: 'gave_up',
          reason: 'timeout',
          acceptedAt: at,
          sentAt: null,
          settledAt: at,
          nextAt: null,
        },
        attempts: [
          {
            number: 1,
            provider: 'twilio',
            startedAt: at,
            finishedAt: at,
            result: 'ambiguous',
            code: 'timeout',
            reply: null,
          },
        ],
        events: [],
        verification: null,
      },
      at,
    );
    expect(summary).toContain('Nobody knows whether it was sent');
    expect(summary).toContain('could cost twice');
  });
});
