import { describe, expect, test } from 'vitest';
import { checkBounceAddress } from '../../src/doctor/bounce-address.ts';
import { checkClock } from '../../src/doctor/clock.ts';
import { checkFrom } from '../../src/doctor/from-domain.ts';
import { mailServiceName } from '../../src/doctor/mail-service.ts';
import { judge } from '../../src/doctor/report.ts';
import { checkSettings } from '../../src/doctor/settings.ts';
import { checkSmtp, type SmtpFacts, type TlsFacts } from '../../src/doctor/smtp-tls.ts';
import { checkTracking } from '../../src/doctor/tracking.ts';
import { checkWebhook } from '../../src/doctor/webhook.ts';
import { mailgun, senderWith, viewOf } from './zone.ts';

const now = new Date('2026-11-25T12:00:00Z');
const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

describe('the domain of From', () => {
  test.each([
    'example.com',
    'mail.example.co.uk',
    'web.example.com',
    'mail.acme.com',
    'gmail.example.com',
    'xn--bcher-kva.de',
  ])('%s may be written from', (domain) =>
    expect(checkFrom(senderWith({ MAIL_FROM: `a@${domain}` }))).toMatchObject({ severity: 'ok' }),
  );
  test.each([
    'gmail.com',
    'GMAIL.com',
    'googlemail.com',
    'yahoo.co.uk',
    'hotmail.fr',
    'gmx.de',
    'gmx.net',
    'web.de',
    'proton.me',
    'mail.ru',
    'outlook.com',
    'me.com',
    't-online.de',
  ])('%s may not: anybody has a mailbox there', (domain) =>
    expect(checkFrom(senderWith({ MAIL_FROM: `a@${domain}` }))).toMatchObject({
      severity: 'error',
      what: matching(/anybody/),
    }),
  );
  test.each(['localhost', 'app.local', 'mail.internal', 'example.test', 'server'])(
    '%s may not: it is no name of the internet',
    (domain) =>
      expect(checkFrom(senderWith({ MAIL_FROM: `a@${domain}` }))).toMatchObject({
        severity: 'error',
        what: matching(/does not exist/),
      }),
  );
  test.each(['log', 'none'])('is written from by nobody with EMAIL_PROVIDER=%s', (provider) =>
    expect(checkFrom(senderWith({ EMAIL_PROVIDER: provider }))).toMatchObject({ severity: 'warning' }),
  );
});

describe('the SMTP server', () => {
  const tls: TlsFacts = {
    protocol: 'TLSv1.3',
    chainFault: undefined,
    isForName: true,
    names: 'DNS:smtp.example.net',
    validTo: new Date('2027-01-25T12:00:00Z'),
  };
  const talked = (changes: Partial<TlsFacts> = {}): SmtpFacts => ({
    kind: 'talked',
    tls: { ...tls, ...changes },
    login: 'accepted',
    loginReply: '',
  });
  const check = (
    facts: SmtpFacts,
    settings: Readonly<Record<string, string>> = { SMTP_URL: 'smtp://smtp.example.net:587' },
  ) => checkSmtp(senderWith(settings), facts, now);

  test('is well with a good certificate', () =>
    expect(check(talked())).toMatchObject([
      { severity: 'ok', what: matching(/smtp\.example\.net:587 speaks TLSv1\.3.*61 days, login accepted/) },
    ]));

  test.each([
    ['old', { protocol: 'TLSv1.1' }, 'error', /only TLSv1\.1/],
    ['untrusted', { chainFault: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'error', /not trusted \(DEPTH_ZERO/],
    [
      'past its time',
      { validTo: new Date('2026-11-20T12:00:00Z'), chainFault: 'CERT_HAS_EXPIRED' },
      'error',
      /ran out 5 days ago/,
    ],
    ['for another name', { isForName: false }, 'error', /is for DNS:smtp/],
    ['near its end', { validTo: new Date('2026-12-05T12:00:00Z') }, 'warning', /runs out in 10 days/],
  ] as const)('is not well when its TLS is %s', (_, changes, severity, what) =>
    expect(check(talked(changes))).toMatchObject([{ check: 'smtp', severity, what: matching(what) }]),
  );

  test.each([
    ['dns', /was not found/],
    ['connect', /cannot be reached/],
    ['greeting', /does not greet/],
    ['ehlo', /ends the conversation/],
    ['starttls', /offers no encryption/],
    ['handshake', /No encrypted connection/],
  ] as const)('is told to fail at %s', (stage, what) =>
    expect(check({ kind: 'failed', stage, reason: 'EWHY' })).toMatchObject([
      { severity: 'error', what: matching(what) },
    ]),
  );

  test('that does not let us in is an error', () =>
    expect(check({ kind: 'talked', tls, login: 'refused', loginReply: '535 5.7.8 no' })).toMatchObject([
      { severity: 'error', what: matching(/535/) },
    ]));

  test('without TLS may be this machine and no other', () => {
    const clear: SmtpFacts = { kind: 'talked', tls: undefined, login: 'not_tried', loginReply: '' };
    expect(check(clear, { SMTP_URL: 'smtp://127.0.0.1:1025', SMTP_TLS: 'off' })).toMatchObject([
      { severity: 'ok' },
    ]);
    expect(check(clear, { SMTP_URL: 'smtp://mail.example.net:25', SMTP_TLS: 'off' })).toMatchObject([
      { severity: 'error' },
    ]);
  });

  test('is unknown where its URL is, and no matter where nothing is sent', () => {
    expect(check({ kind: 'not_tried' }, {})).toMatchObject([{ severity: 'unknown' }]);
    expect(check({ kind: 'not_tried' })).toMatchObject([{ severity: 'unknown' }]);
    expect(check({ kind: 'not_tried' }, { EMAIL_PROVIDER: 'none' })).toEqual([]);
  });
});

describe('the clock', () => {
  const check = (offsetMs: number, errorMs = 0, settings = {}) =>
    checkClock(senderWith(settings), [{ of: 'the database', offsetMs, errorMs }]);

  test.each([0, 4000, -4000])('may differ by %i ms', (offsetMs) =>
    expect(check(offsetMs)).toMatchObject([{ severity: 'ok' }]),
  );
  test.each([
    [6000, 'warning', /6 s ahead/],
    [-6000, 'warning', /6 s behind/],
    [-301_000, 'error', /301 s behind/],
  ])('that differs by %i ms is a %s', (offsetMs, severity, what) =>
    expect(check(offsetMs)).toMatchObject([{ severity, what: matching(what) }]),
  );
  test('is not accused of what reading it took', () =>
    expect(check(6000, 1500)).toMatchObject([{ severity: 'ok' }]));
  test('is an error as soon as webhooks are refused for it', () =>
    expect(check(40_000, 0, { WEBHOOK_MAX_FUTURE_SECONDS: '30' })).toMatchObject([{ severity: 'error' }]));
  test('is unknown with none to compare', () =>
    expect(checkClock(senderWith(), [])).toMatchObject([{ severity: 'unknown' }]));
});

describe('webhooks', () => {
  const set = {
    ...mailgun,
    MAILGUN_WEBHOOK_SIGNING_KEY: 'the-signing-key',
    PUBLIC_URL: 'https://verify.example.com',
  };

  test('are well with a key and a public address', () =>
    expect(checkWebhook(senderWith(set), true)).toMatchObject([{ severity: 'ok' }]));
  test('without a key are an error of the API, and unknown elsewhere', () => {
    const sender = senderWith({ ...set, MAILGUN_WEBHOOK_SIGNING_KEY: '' });
    expect(checkWebhook(sender, true)).toMatchObject([
      { severity: 'error', what: matching(/MAILGUN_WEBHOOK_SIGNING_KEY/) },
    ]);
    expect(checkWebhook(sender, false)).toMatchObject([{ severity: 'unknown' }]);
  });
  test.each(['https://localhost', 'https://127.0.0.1:3000', 'https://10.0.0.1', 'http://verify.example.com'])(
    'cannot come to %s',
    (url) =>
      expect(checkWebhook(senderWith({ ...set, PUBLIC_URL: url }), true)).toMatchObject([
        { severity: 'error' },
      ]),
  );
  test.each([
    ['ses', 'SES_TOPIC_ARNS', 'arn:aws:sns:eu-west-1:123456789012:mail'],
    ['postmark', 'POSTMARK_WEBHOOK_SECRET', 'a-secret-of-24-characters-or-more'],
    ['brevo', 'BREVO_WEBHOOK_SECRET', 'a-secret-of-24-characters-or-more'],
  ])('of %s are verified by %s', (EMAIL_PROVIDER, setting, value) => {
    const settings = { EMAIL_PROVIDER, PUBLIC_URL: 'https://verify.example.com' };
    expect(checkWebhook(senderWith({ ...settings, [setting]: value }), true)).toMatchObject([
      { severity: 'ok', what: matching(new RegExp(`${setting}; .*/v1/${EMAIL_PROVIDER}/webhook`)) },
    ]);
    expect(checkWebhook(senderWith(settings), true)).toMatchObject([
      { severity: 'error', what: matching(new RegExp(setting)) },
    ]);
  });
  test('are none with a plain server, unless it belongs to a service that has them', () => {
    expect(checkWebhook(senderWith({ SMTP_URL: 'smtp://smtp.example.net' }), true)).toMatchObject([
      { severity: 'ok' },
    ]);
    expect(checkWebhook(senderWith({ SMTP_URL: 'smtp://smtp.mailgun.org' }), true)).toMatchObject([
      { severity: 'warning', doThis: matching(/EMAIL_PROVIDER=mailgun/) },
    ]);
  });
});

describe('tracking', () => {
  test.each(['ses', 'sendgrid', 'postmark', 'resend', 'brevo'])(
    'is off, or a matter of settings, in mail of %s',
    (name) => expect(checkTracking(senderWith({ EMAIL_PROVIDER: name }))).toMatchObject({ severity: 'ok' }),
  );
  test('is off in every mail to Mailgun', () =>
    expect(checkTracking(senderWith(mailgun))).toMatchObject({ severity: 'ok', what: matching(/Mailgun/) }));
  test.each(['smtp.mailgun.org', 'smtp.sendgrid.net', 'smtp.postmarkapp.com'])(
    'is not off in mails to %s as to any server',
    (host) =>
      expect(checkTracking(senderWith({ SMTP_URL: `smtp://${host}` }))).toMatchObject({
        severity: 'warning',
      }),
  );
  test('is nobody’s matter with a server of one’s own', () =>
    expect(checkTracking(senderWith({ SMTP_URL: 'smtp://smtp.example.net' }))).toMatchObject({
      severity: 'ok',
    }));
});

describe('the bounce address', () => {
  const sender = senderWith({ SMTP_URL: 'smtp://smtp.example.net' });
  test.each([
    [{ kind: 'accepted', host: 'mx.example.com' }, 'ok'],
    [{ kind: 'refused', host: 'mx.example.com', reply: '550 5.1.1 unknown' }, 'error'],
    [{ kind: 'unreachable', reason: 'ETIMEDOUT' }, 'unknown'],
    [{ kind: 'not_tried' }, 'unknown'],
  ] as const)('is judged by what its server said: %j', (probe, severity) =>
    expect(checkBounceAddress(sender, probe)).toMatchObject({ severity }),
  );
  test.each(['none', 'log'])('is no matter with EMAIL_PROVIDER=%s', (provider) =>
    expect(checkBounceAddress(senderWith({ EMAIL_PROVIDER: provider }), { kind: 'not_tried' })).toMatchObject(
      {
        severity: 'ok',
        what: matching(/nothing bounces/),
      },
    ),
  );
  test('is the service’s where it takes bounces', () =>
    expect(checkBounceAddress(senderWith(mailgun), { kind: 'not_tried' })).toMatchObject({ severity: 'ok' }));
});

describe('the login', () => {
  const loginOf = (url: string) => senderWith({ SMTP_URL: url }).smtp?.login;
  test('is read with its escapes, and as it is where a % begins none', () => {
    expect(loginOf('smtp://us%40er:p%2Fw@h.example')?.password.reveal()).toBe('p/w');
    expect(loginOf('smtp://user:100%sure@h.example')?.password.reveal()).toBe('100%sure');
    expect(loginOf('smtp://user@h.example')).toBeUndefined();
  });
  test('prints as nothing', () => {
    const sender = senderWith({ SMTP_URL: 'smtp://the-user:the-password@h.example' });
    expect(JSON.stringify(sender)).not.toMatch(/the-user|the-password/);
  });
});

describe('settings', () => {
  const [one, other] = ['0123456789abcdef', 'fedcba9876543210'];
  test.each([
    [[`reconfirm-api ${one}`, `reconfirm-mailer-worker ${one}`, 'reconfirm-migrate', 'psql'], 'ok'],
    [[`reconfirm-mailer-worker ${one}`], 'ok'],
    [[`reconfirm-api ${one}`, `reconfirm-mailer-worker ${other}`], 'warning'],
    [[`reconfirm-mailer-worker ${one}`, `reconfirm-mailer-worker ${other}`], 'warning'],
    [[`reconfirm-api ${one}`], 'unknown'],
    [['reconfirm-mailer-worker', 'reconfirm-mailer-worker 0123'], 'unknown'],
  ])('of %j are %s', (names, severity) =>
    expect(checkSettings(names)).toMatchObject({ check: 'settings', severity }),
  );
});

describe('the service', () => {
  test.each([
    ['smtp.mailgun.org', 'mailgun'],
    ['smtp.eu.mailgun.org', 'mailgun'],
    ['email-smtp.eu-central-1.amazonaws.com', 'ses'],
    ['smtp.sendgrid.net', 'sendgrid'],
    ['smtp.postmarkapp.com', 'postmark'],
    ['smtp.resend.com', 'resend'],
    ['smtp-relay.brevo.com', 'brevo'],
    ['smtp.gmail.com', 'google'],
    ['smtp.office365.com', 'microsoft'],
    ['smtp.mailgun.org.example.com', undefined],
    ['notmailgun.org', undefined],
  ])('behind %s is %s', (host, name) => expect(mailServiceName('smtp', host)).toBe(name));
});

describe('a report', () => {
  const facts = {
    smtp: { kind: 'not_tried' },
    bounce: { kind: 'not_tried' },
    clocks: [],
    processNames: undefined,
    isApi: true,
    now,
  } as const;

  test('without MAIL_FROM says that the domain was not examined', () => {
    const report = judge(senderWith({ MAIL_FROM: '' }), viewOf({}), facts);
    expect(report.domain).toBeNull();
    expect(report.findings.filter(({ check }) => ['spf', 'dkim', 'dmarc', 'mx'].includes(check))).toEqual([]);
    expect(report.findings[0]).toMatchObject({ check: 'sender', severity: 'unknown' });
  });

  test('has the verdict of its worst finding, and every check', () => {
    const report = judge(senderWith(mailgun), viewOf({}), facts);
    expect(report).toMatchObject({ verdict: 'error', domain: 'example.com', at: now });
    expect([...new Set(report.findings.map(({ check }) => check))]).toEqual([
      'sender',
      'spf',
      'dkim',
      'dmarc',
      'mx',
      'bounce_address',
      'smtp',
      'clock',
      'webhook',
      'tracking',
    ]);
  });
});

describe('the server of a provider', () => {
  const password = { EMAIL_PROVIDER: 'sendgrid', SMTP_PASSWORD: 'p@ss' };
  test('is known from a password, where the worker’s settings are read', () => {
    const { smtp } = senderWith(password);
    expect(smtp).toMatchObject({ host: 'smtp.sendgrid.net', port: 587, implicitTls: false });
    expect([smtp?.login?.user.reveal(), smtp?.login?.password.reveal()]).toEqual(['apikey', 'p@ss']);
  });
  test('is not guessed without one: the worker may have another in SMTP_URL', () =>
    expect(senderWith({ EMAIL_PROVIDER: 'sendgrid' }).smtp).toBeUndefined());
});
