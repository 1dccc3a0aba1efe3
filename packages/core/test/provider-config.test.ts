import { describe, expect, test } from 'vitest';
import { smtpUrlOf } from '../src/config/provider-problems.ts';
import { apiConfig, apiProblems, workerConfig, workerProblems } from './config-environments.ts';
import { sendgridPublicKey } from './webhook-cases.ts';

const reporting = {
  mailgun: ['MAILGUN_WEBHOOK_SIGNING_KEY', 'any-key'],
  ses: ['SES_TOPIC_ARNS', 'arn:aws:sns:eu-west-1:123456789012:mail'],
  sendgrid: ['SENDGRID_WEBHOOK_PUBLIC_KEY', sendgridPublicKey('current')],
  postmark: ['POSTMARK_WEBHOOK_SECRET', 'a-secret-of-24-characters-or-more'],
  resend: ['RESEND_WEBHOOK_SECRET', `whsec_${Buffer.alloc(24, 7).toString('base64')}`],
  brevo: ['BREVO_WEBHOOK_SECRET', 'a-secret-of-24-characters-or-more'],
} as const;

describe.each(Object.entries(reporting))('the API with EMAIL_PROVIDER=%s', (name, [setting, value]) => {
  test('does not start without what its reports are verified by', () => {
    const problem = expect.stringMatching(new RegExp(`^${setting} is required with EMAIL_PROVIDER=${name}`));
    expect(apiProblems({ EMAIL_PROVIDER: name })).toEqual([problem]);
    expect(apiProblems({ EMAIL_PROVIDER: name, [setting]: ' , ' })).toEqual([problem]);
  });

  test('starts with it, with two while it is replaced, and prints none', () => {
    expect(apiProblems({ EMAIL_PROVIDER: name, [setting]: value })).toEqual([]);
    const config = apiConfig({ EMAIL_PROVIDER: name, [setting]: `${value}, ${value}` });
    expect(config[setting]).toHaveLength(2);
    if (name !== 'ses') expect(JSON.stringify(config)).not.toContain(value);
  });
});

const password = 'p/ss:w@rd+=';
const servers = [
  ['sendgrid', {}, 'smtp://apikey:p%2Fss%3Aw%40rd%2B%3D@smtp.sendgrid.net:587'],
  ['postmark', {}, 'smtp://p%2Fss%3Aw%40rd%2B%3D:p%2Fss%3Aw%40rd%2B%3D@smtp.postmarkapp.com:587'],
  ['resend', {}, 'smtp://resend:p%2Fss%3Aw%40rd%2B%3D@smtp.resend.com:587'],
  [
    'brevo',
    { SMTP_USER: 'me@example.com' },
    'smtp://me%40example.com:p%2Fss%3Aw%40rd%2B%3D@smtp-relay.brevo.com:587',
  ],
  ['mailgun', { SMTP_USER: 'x' }, 'smtp://x:p%2Fss%3Aw%40rd%2B%3D@smtp.mailgun.org:587'],
  [
    'ses',
    { SMTP_USER: 'AKIA', SES_REGION: 'eu-west-1' },
    'smtp://AKIA:p%2Fss%3Aw%40rd%2B%3D@email-smtp.eu-west-1.amazonaws.com:587',
  ],
] as const;

describe.each(servers)('the worker with EMAIL_PROVIDER=%s', (name, needed, url) => {
  const given = { EMAIL_PROVIDER: name, SMTP_URL: '', SMTP_PASSWORD: password, ...needed };

  test('knows the server, and a password is enough where the user is the same for all', () => {
    const server = smtpUrlOf(workerConfig(given));
    if ('problems' in server) throw new Error(server.problems.join());
    expect(server.url.reveal()).toBe(url);
    expect(JSON.stringify(server)).not.toContain('ss%3A');
  });

  test('says what is missing, one sentence each', () => {
    expect(workerProblems({ ...given, SMTP_PASSWORD: '' })).toEqual([
      `SMTP_PASSWORD (or SMTP_URL) is required with EMAIL_PROVIDER=${name}`,
    ]);
    for (const setting of Object.keys(needed))
      expect(workerProblems({ ...given, [setting]: '' })).toEqual([
        expect.stringMatching(new RegExp(`^${setting}.* is required with EMAIL_PROVIDER=${name}`)),
      ]);
  });

  test('says it all at once', () => {
    const missing = Object.fromEntries(Object.keys(needed).map((setting) => [setting, '']));
    expect(workerProblems({ ...given, ...missing, SMTP_PASSWORD: '' })).toHaveLength(
      Object.keys(needed).length + 1,
    );
  });

  test('takes SMTP_URL in place of both, and not beside them', () => {
    const own = 'smtps://user:pass@relay.example.com';
    const server = smtpUrlOf(workerConfig({ EMAIL_PROVIDER: name, SMTP_URL: own }));
    expect('url' in server && server.url.reveal()).toBe(own);
    expect(workerProblems({ ...given, SMTP_URL: own })).toEqual([
      expect.stringMatching(/^SMTP_URL holds user/),
    ]);
  });

  test('does not send a password in clear', () =>
    expect(workerProblems({ ...given, SMTP_TLS: 'off' })).toEqual([
      expect.stringMatching(/^SMTP_TLS must not be off in production/),
    ]));
});

test.each([
  ['SES_REGION', 'Ireland'],
  ['SES_REGION', 'eu-west-1.evil.example/'],
  ['SES_CONFIGURATION_SET', 'a b'],
  ['POSTMARK_MESSAGE_STREAM', 'Out Bound'],
])('%s=%j is refused', (name, value) =>
  expect(workerProblems({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} must`))]),
);

test('a provider without a server of its own needs SMTP_URL, whatever else is given', () => {
  const problems = workerProblems({ SMTP_URL: '', SMTP_USER: 'x', SMTP_PASSWORD: 'y' });
  expect(problems).toEqual(['SMTP_URL is required with EMAIL_PROVIDER=smtp']);
});
