import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { apiSettings } from '../src/config/api-settings.ts';
import { readSettings, type Settings } from '../src/config/setting.ts';
import { workerSettings } from '../src/config/worker-settings.ts';
import { providerNames } from '../src/providers/registry.ts';
import { apiConfig, apiProblems, key, workerConfig, workerProblems } from './config-environments.ts';

describe('without a word about them, settings are what the contract says', () => {
  test('of the API', () => {
    expect(apiConfig()).toMatchObject({
      NODE_ENV: 'production',
      PORT: 3000,
      QUEUE_BACKEND: 'redis',
      EMAIL_PROVIDER: 'smtp',
      DEFAULT_LOCALE: 'en',
      RATE_LIMIT_IP: [{ max: 5, windowSeconds: 3600 }],
      RATE_LIMIT_ADDRESS: [{ max: 1, windowSeconds: 60 }],
      VERIFICATION_TOKEN_TTL_HOURS: 24,
      DISCLOSURE: 'documented',
      ERROR_CODES: 'documented',
      EMAIL_OFF: 'rotate',
      LIMITER_ON_ERROR: 'postgres',
      TRUSTED_PROXIES: [],
      IPV6_PREFIX_BITS: 64,
      WEBHOOK_MAX_AGE_SECONDS: 900,
      WEBHOOK_MAX_FUTURE_SECONDS: 300,
      WEBHOOK_LATE: 'store',
      SES_TOPIC_ARNS: [],
      SES_SIGNATURE_VERSIONS: '2',
      REDIRECT_ON_MISS: '400',
      REDIRECT_ORIGINS: { kind: 'origins', origins: new Set() },
      DEMO_PAGE: 'off',
    });
    expect([apiConfig().ADMIN_KEY, apiConfig().MAILGUN_WEBHOOK_SIGNING_KEY, apiConfig().INBOX_URL]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('of the limits of each contract', () => {
    const limit = (max: number, windowSeconds: number) => [{ max, windowSeconds }];
    expect(apiConfig()).toMatchObject({
      RATE_LIMIT_ADDRESS: limit(1, 60),
      RATE_LIMIT_IP: limit(5, 3600),
      SINGULARITY_RATE_LIMIT_ADDRESS: limit(1, 60),
      SINGULARITY_RATE_LIMIT_IP: limit(200, 60),
      GOTRUE_RATE_LIMIT_EMAIL: limit(3, 300),
      GOTRUE_RATE_LIMIT_PHONE: limit(2, 300),
      GOTRUE_RATE_LIMIT_IP: limit(10, 600),
      ENTRYGUARD_RATE_LIMIT_ADDRESS: limit(3, 900),
    });
  });

  test('of what else the contracts leave open', () =>
    expect(apiConfig()).toMatchObject({
      SINGULARITY_ALREADY_VERIFIED: '304',
      SINGULARITY_REPEATED_VERIFY: 'already_verified',
      GOTRUE_MESSAGE_ID: 'always',
      GOTRUE_OTP_UNKNOWN_USER: 'silent',
      GOTRUE_SIGNUP: 'open',
      EMAIL_IDENTITY: 'gmail',
      REFRESH_TOKEN_TTL_DAYS: 30,
      ACCESS_TOKEN_TTL_SECONDS: 900,
      ENTRYGUARD_USER_SEATS: null,
    }));

  test('of the worker', () => {
    expect(workerConfig()).toMatchObject({
      SMTP_TLS: 'required',
      LEASE_SECONDS: 10,
      SEND_RATE: undefined,
      MAIL_REPLY_TO: undefined,
    });
    expect(workerConfig().MAIL_FROM).toEqual({ name: 'Example', address: 'no-reply@example.com' });
  });

  test.each([
    ['API', apiSettings],
    ['worker', workerSettings],
  ] as const)('every default of the %s is one that could be given', (_name, settings: Settings) => {
    for (const [name, setting] of Object.entries(settings))
      if (setting.fallback !== undefined) {
        const read = setting.read(setting.fallback);
        expect(
          typeof read === 'object' && read !== null && 'problem' in read
            ? `${name} ${String(read.problem)}`
            : 'fine',
        ).toBe('fine');
      }
  });
});

describe('rules between settings', () => {
  test.each([
    [{ PUBLIC_URL: 'http://verify.example.com' }, /^PUBLIC_URL must start with https/],
    [{ EMAIL_PROVIDER: 'log' }, /^EMAIL_PROVIDER must not be log in production/],
    [{ REDIRECT_ORIGINS: '*' }, /^REDIRECT_ORIGINS must not be \* in production/],
    [{ REDIS_URL: '' }, /^REDIS_URL is required with QUEUE_BACKEND=redis/],
    [
      { REDIS_CLUSTER_NODES: 'other:6379', REDIS_URL: 'redis://redis:6379/1' },
      /^REDIS_URL must name no database but 0/,
    ],
    [
      { QUEUE_BACKEND: 'postgres', DATABASE_POOLER: 'transaction' },
      /^DATABASE_POOLER=transaction needs QUEUE_BACKEND=redis/,
    ],
  ])('the API in production with %j does not start', (change, problem) => {
    expect(apiProblems(change)).toEqual([expect.stringMatching(problem)]);
  });

  test.each([
    [{ SMTP_URL: '' }, /^SMTP_URL is required with EMAIL_PROVIDER=smtp/],
    [
      { SMTP_URL: '', EMAIL_PROVIDER: 'sendgrid' },
      /^SMTP_PASSWORD \(or SMTP_URL\) is required with EMAIL_PROVIDER=sendgrid/,
    ],
    [{ SMTP_TLS: 'off' }, /^SMTP_TLS must not be off in production/],
    [{ REDIRECT_ORIGINS: '*' }, /^REDIRECT_ORIGINS must not be \* in production/],
    [{ PUBLIC_URL: 'http://verify.example.com' }, /^PUBLIC_URL must start with https/],
  ])('the worker in production with %j does not start', (change, problem) => {
    expect(workerProblems(change)).toEqual([expect.stringMatching(problem)]);
  });

  test('several of them are told at once too', () =>
    expect(
      apiProblems({
        PUBLIC_URL: 'http://x.example',
        EMAIL_PROVIDER: 'log',
        REDIRECT_ORIGINS: '*',
        REDIS_URL: '',
      }),
    ).toHaveLength(4));

  test('on a machine of development all of them are allowed', () => {
    const change = {
      NODE_ENV: 'development',
      PUBLIC_URL: 'http://localhost:3000',
      REDIRECT_ORIGINS: '*',
      EMAIL_PROVIDER: 'log',
      SMTP_TLS: 'off',
      SMTP_URL: '',
    };
    expect(apiProblems(change)).toEqual([]);
    expect(workerProblems(change)).toEqual([]);
  });

  test('without Redis nothing asks for its URL', () =>
    expect(apiProblems({ QUEUE_BACKEND: 'postgres', REDIS_URL: '' })).toEqual([]));

  test('without mail nothing asks for a server', () =>
    expect(workerProblems({ EMAIL_PROVIDER: 'none', SMTP_URL: '' })).toEqual([]));
});

describe('values', () => {
  test('PUBLIC_URL is an origin, however it is spelt, and both processes read it alike', () => {
    for (const spelling of [
      'https://verify.example.com',
      'https://verify.example.com/',
      'HTTPS://Verify.Example.com:443',
    ])
      expect([
        apiConfig({ PUBLIC_URL: spelling }).PUBLIC_URL,
        workerConfig({ PUBLIC_URL: spelling }).PUBLIC_URL,
      ]).toEqual(['https://verify.example.com', 'https://verify.example.com']);
    expect(apiConfig({ PUBLIC_URL: 'https://verify.example.com:8443' }).PUBLIC_URL).toBe(
      'https://verify.example.com:8443',
    );
  });

  test('TLS from the first byte needs no STARTTLS: smtps:// passes with SMTP_TLS=off', () =>
    expect(workerProblems({ SMTP_TLS: 'off', SMTP_URL: 'smtps://user:hunter2@smtp.example:465' })).toEqual(
      [],
    ));

  test('a limit is written as count and seconds, and can be switched off', () => {
    expect(apiConfig({ RATE_LIMIT_ADDRESS: '1/60,10/86400' }).RATE_LIMIT_ADDRESS).toEqual([
      { max: 1, windowSeconds: 60 },
      { max: 10, windowSeconds: 86_400 },
    ]);
    expect(apiConfig({ RATE_LIMIT_IP: 'off' }).RATE_LIMIT_IP).toEqual([]);
    expect(workerConfig({ SEND_RATE: '100/1' }).SEND_RATE).toEqual({ max: 100, windowSeconds: 1 });
  });

  test('a sender is a name and an address, or an address alone', () => {
    expect(workerConfig({ MAIL_FROM: 'no-reply@example.com' }).MAIL_FROM).toEqual({
      name: '',
      address: 'no-reply@example.com',
    });
    expect(workerConfig({ MAIL_REPLY_TO: 'Support Team <s@example.com>' }).MAIL_REPLY_TO).toEqual({
      name: 'Support Team',
      address: 's@example.com',
    });
  });

  test('exactly the registered providers can be chosen', () => {
    const read = readSettings({ EMAIL_PROVIDER: apiSettings.EMAIL_PROVIDER }, { EMAIL_PROVIDER: '?' });
    expect('problems' in read && read.problems[0]).toBe(
      `EMAIL_PROVIDER must be one of ${providerNames.join(', ')}`,
    );
  });

  test('an empty value counts as none', () => expect(apiConfig({ PORT: '', ADMIN_KEY: '' }).PORT).toBe(3000));

  test('a configuration can be printed: every secret in it is hidden', () => {
    const configs = [
      apiConfig({ ADMIN_KEY: 'hunter2'.repeat(4), MAILGUN_WEBHOOK_SIGNING_KEY: 'hunter2' }),
      workerConfig(),
    ];
    for (const print of [JSON.stringify(configs), inspect(configs, { depth: 9, showHidden: true })]) {
      expect(print).not.toContain('hunter2');
      expect(print).not.toContain(key);
    }
    expect(configs[0]).toHaveProperty('DATABASE_URL');
    expect(apiConfig().DATABASE_URL.reveal()).toContain('hunter2');
  });
});

test.each([
  ['API', apiSettings],
  ['worker', workerSettings],
] as const)(
  'every setting of the %s says what it means and how it is written',
  (_name, settings: Settings) => {
    for (const [name, setting] of Object.entries(settings)) {
      expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(setting.describe, name).toMatch(/^[A-Za-z*].{10,}\.$/);
      expect(setting.form.length, name).toBeGreaterThan(2);
    }
  },
);
