import { describe, expect, test } from 'vitest';
import { readApiConfig, readWorkerConfig } from '../src/config/config.ts';
import { apiProblems, workerProblems } from './config-environments.ts';

describe('what is wrong', () => {
  test('is told all at once, each with the name of its setting', () => {
    const problems = apiProblems({
      DATABASE_URL: '',
      PORT: '70000',
      RATE_LIMIT_IP: '5 per hour',
      TOKEN_KEYS: '1:short',
      TRUSTED_PROXIES: '1',
      DISCLOSURE: 'maybe',
      ADMIN_KEY: 'short',
    });
    expect(problems.map((p) => p.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'TOKEN_KEYS',
      'ADMIN_KEY',
      'PORT',
      'TRUSTED_PROXIES',
      'RATE_LIMIT_IP',
      'DISCLOSURE',
    ]);
  });

  test('an empty environment names every setting that is required, and no other', () => {
    const names = (read: ReturnType<typeof readApiConfig> | ReturnType<typeof readWorkerConfig>): string[] =>
      'problems' in read ? read.problems.map((p) => p.split(' ')[0] ?? '') : [];
    expect(names(readApiConfig({}))).toEqual([
      'DATABASE_URL',
      'PUBLIC_URL',
      'TOKEN_KEYS',
      'ADDRESS_HASH_KEY',
    ]);
    expect(names(readWorkerConfig({}))).toEqual([
      'DATABASE_URL',
      'PUBLIC_URL',
      'TOKEN_KEYS',
      'ADDRESS_HASH_KEY',
      'MAIL_FROM',
    ]);
  });

  test.each([
    [{ CAPTCHA_PROVIDER: 'turnstile' }, 'CAPTCHA_SECRET'],
    [{ CAPTCHA_PROVIDER: 'altcha', CAPTCHA_SECRET: 'too short' }, 'CAPTCHA_SECRET'],
    [
      { CAPTCHA_PROVIDER: 'hcaptcha', CAPTCHA_SECRET: 's', CAPTCHA_VERIFY_URL: 'http://127.0.0.1/' },
      'CAPTCHA_VERIFY_URL',
    ],
    [
      { CAPTCHA_PROVIDER: 'hcaptcha', CAPTCHA_SECRET: 's', CAPTCHA_VERIFY_URL: 'ftp://127.0.0.1/' },
      'CAPTCHA_VERIFY_URL',
    ],
    [{ CAPTCHA_MIN_SCORE: '1.5' }, 'CAPTCHA_MIN_SCORE'],
    [{ CAPTCHA_HOSTNAMES: 'https://app.example.com' }, 'CAPTCHA_HOSTNAMES'],
  ])('a captcha set up with %j is refused, and told by its name', (changes, name) =>
    expect(apiProblems(changes).map((p) => p.split(' ')[0])).toEqual([name]),
  );

  const second = { EMAIL_FAILOVER_PROVIDER: 'smtp', SMTP_FAILOVER_URL: 'smtps://user:hunter2@smtp.example' };
  test.each([
    [{ SMTP_FAILOVER_URL: second.SMTP_FAILOVER_URL }, 'EMAIL_FAILOVER_PROVIDER'],
    [{ EMAIL_FAILOVER_PROVIDER: 'mailgun' }, 'SMTP_FAILOVER_URL'],
    [{ EMAIL_FAILOVER_PROVIDER: 'none' }, 'EMAIL_FAILOVER_PROVIDER'],
    [{ EMAIL_FAILOVER_PROVIDER: 'log' }, 'EMAIL_FAILOVER_PROVIDER'],
    [{ ...second, EMAIL_PROVIDER: 'none' }, 'EMAIL_FAILOVER_PROVIDER'],
    [{ ...second, SMTP_FAILOVER_URL: 'https://smtp.example' }, 'SMTP_FAILOVER_URL'],
    [{ ...second, EMAIL_FAILOVER_SEND_RATE: '10' }, 'EMAIL_FAILOVER_SEND_RATE'],
    [
      {
        ...second,
        SMTP_URL: 'smtps://user@smtp.example',
        SMTP_FAILOVER_URL: 'smtp://user@smtp.example',
        SMTP_TLS: 'off',
      },
      'SMTP_TLS',
    ],
  ])('a second provider set up with %j is refused, and told by its name', (changes, name) => {
    const problems = workerProblems(changes);
    expect(problems.map((p) => p.split(' ')[0])).toEqual([name]);
    expect(problems.join(' ')).not.toContain('hunter2');
  });

  test('a second provider is optional, and may be of the same kind', () => {
    expect(workerProblems({})).toEqual([]);
    expect(workerProblems(second)).toEqual([]);
  });

  test.each([
    ['PORT', '-1'],
    ['PORT', '3000.5'],
    ['PORT', '0x10'],
    ['PORT', ' 3000'],
    ['PORT', '３０００'],
    ['DATABASE_URL', 'mysql://db'],
    ['DATABASE_URL', 'db'],
    ['REDIS_URL', 'http://redis'],
    ['REDIS_CLUSTER_NODES', 'redis'],
    ['REDIS_CLUSTER_NODES', 'redis:0'],
    ['REDIS_CLUSTER_NODES', 'redis:6379,redis:65536'],
    ['REDIS_CLUSTER_NODES', 'redis://redis:6379'],
    ['PUBLIC_URL', 'verify.example.com'],
    ['PUBLIC_URL', 'ftp://x'],
    ['PUBLIC_URL', 'https://verify.example.com/mail'],
    ['PUBLIC_URL', 'https://verify.example.com/?from=mail'],
    ['PUBLIC_URL', 'https://verify.example.com/#'],
    ['PUBLIC_URL', 'https://user@verify.example.com'],
    ['PUBLIC_URL', 'https://user:password@verify.example.com/'],
    ['NODE_ENV', 'prod'],
    ['IPV6_PREFIX_BITS', '128'],
    ['IPV6_PREFIX_BITS', '31'],
    ['VERIFICATION_TOKEN_TTL_HOURS', '0'],
    ['VERIFICATION_TOKEN_TTL_HOURS', '169'],
    ['RATE_LIMIT_IP', '0/3600'],
    ['RATE_LIMIT_ADDRESS', '1/60,'],
    ['RATE_LIMIT_ADDRESS', '1/90000'],
    ['LIMITER_ON_ERROR', 'maybe'],
    ['TRUSTED_PROXIES', 'true'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,loopback'],
    ['REDIRECT_ORIGINS', 'app.example.com'],
    ['REDIRECT_ORIGINS', 'http://app.example.com'],
    ['ADMIN_KEY', 'x'.repeat(23)],
    ['ADDRESS_HASH_KEY', Buffer.alloc(31).toString('base64')],
    ['ADDRESS_HASH_KEY', 'not base64!'],
    ['REDIS_PREFIX', 'a:b'],
    ['REDIS_PREFIX', 'UPPER'],
    ['EMAIL_PROVIDER', 'pigeon'],
    ['WEBHOOK_MAX_AGE_SECONDS', '0'],
    ['WEBHOOK_MAX_AGE_SECONDS', '604801'],
    ['WEBHOOK_MAX_FUTURE_SECONDS', '-1'],
    ['WEBHOOK_LATE', 'maybe'],
    ['SES_TOPIC_ARNS', 'mail'],
    ['SES_TOPIC_ARNS', 'arn:aws:sqs:eu-west-1:123456789012:mail'],
    ['SES_SIGNATURE_VERSIONS', '1'],
    ['SENDGRID_WEBHOOK_PUBLIC_KEY', 'bm90IGEga2V5'],
    ['RESEND_WEBHOOK_SECRET', 'hunter2'],
    ['POSTMARK_WEBHOOK_SECRET', 'too short'],
    ['POSTMARK_WEBHOOK_SECRET', 'long enough, but not for a URL'],
    ['POSTMARK_WEBHOOK_ADDRESSES', 'postmarkapp.com'],
    ['BREVO_WEBHOOK_SECRET', 'short'],
    ['BREVO_WEBHOOK_ADDRESSES', '1.2.3.4/33'],
    ['DEFAULT_LOCALE', 'xx'],
    ['SESSION_KEYS', 'hunter2'],
    ['SESSION_KEYS', 'a:aHVudGVyMg=='],
    ['ACCESS_TOKEN_TTL_SECONDS', '59'],
    ['REFRESH_TOKEN_TTL_DAYS', '91'],
    ['FOREIGN_ISSUERS', 'https://issuer.example'],
    ['FOREIGN_ISSUERS', 'https://verify.example.com|https://a.example/jwks|aud|ES256'],
    ['RATE_LIMIT_SIGN_IN', '10'],
    ['PASSWORD_LENGTH_MIN', '7'],
    ['CONTRACTS', 'v1,v2'],
    ['CONTRACTS', ','],
    ['SINGULARITY_ALREADY_VERIFIED', '200'],
    ['SINGULARITY_RATE_LIMIT_ADDRESS', '60'],
    ['SINGULARITY_VERIFICATION_URL', 'https://not-listed.example.com/verify'],
    ['SINGULARITY_PASSWORD_RESET_URL', 'ftp://verify.example.com/'],
    ['ENTRYGUARD_SET_PASSWORD_URL', 'https://verify.example.com/#set'],
    ['ENTRYGUARD_USER_SEATS', '0'],
    ['ENTRYGUARD_USER_SEATS', 'many'],
    ['PASSWORD_CLASSES', 'upper,cyrillic'],
  ])('%s=%j is refused in one sentence', (name, value) => {
    const problems = apiProblems({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} (must|the count|the seconds|key|app|http)`));
  });

  test.each([
    ['MAIL_FROM', 'Example'],
    ['MAIL_FROM', 'a@b.example\r\nBcc: c@d.example'],
    ['MAIL_FROM', '"A" <a@b.example>'],
    ['MAIL_FROM', 'A <a@b.example> <c@d.example>'],
    ['MAIL_FROM', 'a@b@c.example'],
    ['MAIL_REPLY_TO', 'nobody'],
    ['SEND_RATE', '100'],
    ['SEND_RATE', '0/1'],
    ['LEASE_SECONDS', '2'],
    ['RETENTION_DAYS', '7'],
    ['SMTP_URL', 'http://smtp.example'],
    ['PUBLIC_URL', 'https://verify.example.com/mail'],
    ['SMTP_TLS', 'maybe'],
    ['WORKER_CONCURRENCY', '0'],
  ])('of the worker, %s=%j is refused in one sentence', (name, value) => {
    const problems = workerProblems({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must`));
  });

  test.each(['singularity', 'entryguard'])('%s cannot be spoken without SESSION_KEYS', (contract) =>
    expect(apiProblems({ CONTRACTS: `v1,${contract}` })).toEqual([
      `SESSION_KEYS is required with CONTRACTS=${contract}: its answers carry sessions`,
    ]),
  );

  test('no problem repeats a secret', () => {
    const told = [
      ...apiProblems({
        DATABASE_URL: 'mysql://u:hunter2@db',
        REDIS_URL: 'x:hunter2',
        TOKEN_KEYS: '1:hunter2',
        ADDRESS_HASH_KEY: 'hunter2',
        ADMIN_KEY: 'hunter2',
        SESSION_KEYS: 'a:hunter2',
      }),
      ...workerProblems({ SMTP_URL: 'http://u:hunter2@smtp' }),
    ];
    expect(told).toHaveLength(7);
    expect(told.join()).not.toContain('hunter2');
  });
});
