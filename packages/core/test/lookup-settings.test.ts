import { describe, expect, test } from 'vitest';
import { askableProviders } from '../src/config/lookup-settings.ts';
import { workerConfig, workerProblems } from './config-environments.ts';

const twilio = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'new-token,old-token' };

const asked = (change: Record<string, string>) =>
  askableProviders(workerConfig(change)).map(({ name, channel, settings: { apiUrl, accountId, key } }) => ({
    name,
    channel,
    apiUrl,
    accountId,
    key: key.reveal(),
  }));

describe('who is asked what became of a message', () => {
  test('nobody without a key', () => expect(asked({})).toEqual([]));

  test('each provider with its own key, also one that does not carry the mail now', () => {
    const all = asked({
      MAILGUN_API_KEY: 'm',
      POSTMARK_SERVER_TOKEN: 'p',
      RESEND_API_KEY: 'r',
      BREVO_API_KEY: 'b',
      SENDGRID_API_KEY: 's',
      ...twilio,
    });
    expect(all.map(({ name, channel, apiUrl, key }) => [name, channel, apiUrl, key])).toEqual([
      ['mailgun', 'email', 'https://api.mailgun.net', 'm'],
      ['postmark', 'email', 'https://api.postmarkapp.com', 'p'],
      ['resend', 'email', 'https://api.resend.com', 'r'],
      ['brevo', 'email', 'https://api.brevo.com', 'b'],
      ['sendgrid', 'email', 'https://api.sendgrid.com', 's'],
      ['twilio', 'sms', 'https://api.twilio.com', 'new-token'],
    ]);
  });

  test('Mailgun for the domain that is set, else that of its SMTP user, else that of the sender', () => {
    const domainOf = (change: Record<string, string>): string | undefined =>
      asked({ MAILGUN_API_KEY: 'm', ...change })[0]?.accountId;
    const user = {
      EMAIL_PROVIDER: 'mailgun',
      SMTP_URL: '',
      SMTP_USER: 'postmaster@mg.example.com',
      SMTP_PASSWORD: 'x',
    };
    expect(domainOf({})).toBe('example.com');
    expect(domainOf(user)).toBe('mg.example.com');
    expect(domainOf({ ...user, MAILGUN_DOMAIN: 'eu.example.com' })).toBe('eu.example.com');
  });

  test('in another region by another address', () => {
    const [mailgun] = asked({ MAILGUN_API_KEY: 'm', MAILGUN_API_URL: 'https://api.eu.mailgun.net/' });
    expect(mailgun?.apiUrl).toBe('https://api.eu.mailgun.net');
  });

  test('nobody at all with LOOKUP_AFTER_SECONDS=0', () =>
    expect(asked({ MAILGUN_API_KEY: 'm', ...twilio, LOOKUP_AFTER_SECONDS: '0' })).toEqual([]));
});

test('in production no API key travels in clear', () => {
  const problems = workerProblems({ NODE_ENV: 'production', MAILGUN_API_URL: 'http://api.mailgun.net' });
  expect(problems).toContainEqual(expect.stringContaining('MAILGUN_API_URL must start with https://'));
  expect(workerProblems({ NODE_ENV: 'production' }).join()).not.toContain('API_URL');
});
