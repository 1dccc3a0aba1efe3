import { createHash, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { brevo } from '../src/providers/brevo.ts';
import { postmark } from '../src/providers/postmark.ts';
import type { WebhookRequest, WebhookSettings } from '../src/providers/provider.ts';
import { sendgrid } from '../src/providers/sendgrid.ts';
import { ses } from '../src/providers/ses.ts';
import { Secret } from '../src/secret.ts';
import {
  basic,
  now,
  signSns,
  snsCertificate,
  snsCertificateUrl,
  snsRequest,
  topicOf,
  webhookCases,
} from './webhook-cases.ts';

const wordOf = (verdict: ReturnType<typeof ses.webhook.verify>): string =>
  verdict.ok ? 'ok' : verdict.reason;
const shared = { signingKeys: [], maxAgeSeconds: 900, maxFutureSeconds: 300, late: 'store' } as const;

describe('Amazon SES: whom SNS may speak for', () => {
  const settings = (changed: Partial<NonNullable<WebhookSettings['sns']>> = {}): WebhookSettings => ({
    ...shared,
    sns: { topicArns: [topicOf('current')], allowsSha1: false, ...changed },
  });
  const notification = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: topicOf('current'),
    Message: '{"eventType":"Delivery"}',
    Timestamp: '2026-11-18T00:00:00.000Z',
  };
  const token = 'a'.repeat(64);
  const confirmation = {
    ...notification,
    Type: 'SubscriptionConfirmation',
    Message: 'You have chosen to subscribe to the topic.',
    Token: token,
    SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topicOf('current')}&Token=${token}`,
  };
  const judge = (fields: Record<string, string>, given = settings()) =>
    ses.webhook.verify(snsRequest(signSns(fields)), given);

  test('a message without a subject is signed without one, and an added subject breaks it', () => {
    expect(wordOf(judge(notification))).toBe('ok');
    expect(
      wordOf(ses.webhook.verify(snsRequest({ ...signSns(notification), Subject: '' }), settings())),
    ).toBe('mismatch');
  });

  test('a foreign topic is refused before a certificate is asked for, however it is signed', () => {
    const { certificate: _none, ...request } = snsRequest(
      signSns({ ...notification, TopicArn: topicOf('next') }),
    );
    expect(ses.webhook.verify(request, settings())).toEqual({ ok: false, reason: 'topic' });
  });

  test('without the certificate the verdict names its URL, and nothing else is decided', () => {
    const { certificate: _none, ...request } = snsRequest(signSns(notification));
    expect(ses.webhook.verify(request, settings())).toEqual({
      ok: false,
      reason: 'needs_certificate',
      certificateUrl: snsCertificateUrl,
    });
    const other = { ...request, certificate: { url: `${snsCertificateUrl}x`, pem: snsCertificate } };
    expect(wordOf(ses.webhook.verify(other, settings()))).toBe('needs_certificate');
  });

  const name = `SimpleNotificationService-${'0123456789abcdef'.repeat(2)}.pem`;
  test.each([
    `http://sns.eu-west-1.amazonaws.com/${name}`,
    `https://sns.eu-west-1.amazonaws.com.evil.example/${name}`,
    `https://evil.example/sns.eu-west-1.amazonaws.com/${name}`,
    `https://sns.eu-west-1.amazonaws.com@evil.example/${name}`,
    `https://user@sns.eu-west-1.amazonaws.com/${name}`,
    `https://sns.eu-west-1.amazonaws.com:8443/${name}`,
    `https://bucket.s3.amazonaws.com/${name}`,
    `https://sns.eu-west-1.amazonaws.com/x/${name}`,
    `https://sns.eu-west-1.amazonaws.com/${name}?x=1`,
    `https://sns.eu-west-1.amazonaws.com/${name}#x`,
    `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-short.pem`,
    `https://sns.eu-west-1.amazonaws.com/${name}\n`,
    `https://sns.eu-west-1.amazonaws.com//${name}`,
    `https://snsXeu-west-1.amazonaws.com/${name}`,
    `https://sns.EU-WEST-1.amazonaws.com/${name}`,
    '',
  ])('no certificate is asked for from %j', (SigningCertURL) => {
    const { certificate: _none, ...request } = snsRequest({ ...signSns(notification), SigningCertURL });
    expect(['mismatch', 'missing']).toContain(wordOf(ses.webhook.verify(request, settings())));
  });

  test('a certificate of a region of China is one', () => {
    const SigningCertURL = `https://sns.cn-north-1.amazonaws.com.cn/${name}`;
    const request = snsRequest({ ...signSns(notification), SigningCertURL });
    expect(wordOf(ses.webhook.verify(request, settings()))).toBe('needs_certificate');
  });

  test('version 1 (SHA-1) counts only where it is allowed, and no other version ever', () => {
    const old = { ...notification, SignatureVersion: '1' };
    expect(wordOf(judge(old))).toBe('mismatch');
    expect(wordOf(judge(old, settings({ allowsSha1: true })))).toBe('ok');
    expect(wordOf(judge({ ...notification, SignatureVersion: '3' }, settings({ allowsSha1: true })))).toBe(
      'mismatch',
    );
    // A signature of one version does not pass for the other.
    const relabelled = snsRequest({ ...signSns(notification), SignatureVersion: '1' });
    expect(wordOf(ses.webhook.verify(relabelled, settings({ allowsSha1: true })))).toBe('mismatch');
  });

  test('a certificate that is none, or not valid at the time, verifies nothing', () => {
    const request = snsRequest(signSns(notification));
    const withPem = (pem: string, at = now): string =>
      wordOf(
        ses.webhook.verify({ ...request, now: at, certificate: { url: snsCertificateUrl, pem } }, settings()),
      );
    expect(withPem('not a certificate')).toBe('mismatch');
    expect(withPem(snsCertificate)).toBe('ok');
    expect(withPem(snsCertificate, new Date('2025-12-31T23:59:59Z'))).toBe('mismatch');
    expect(withPem(snsCertificate, new Date('2126-01-02T00:00:00Z'))).toBe('mismatch');
  });

  test('a subscription of our own topic is to be confirmed, and reports nothing', () => {
    const verdict = judge(confirmation);
    expect(verdict).toMatchObject({ ok: true, confirmUrl: confirmation.SubscribeURL });
    expect(verdict.ok && ses.webhook.parse(verdict.body)).toEqual([]);
  });

  test.each([
    ['http:', confirmation.SubscribeURL.replace('https:', 'http:')],
    ['another host', confirmation.SubscribeURL.replace('amazonaws.com', 'amazonaws.com.evil.example')],
    ['another port', confirmation.SubscribeURL.replace('amazonaws.com', 'amazonaws.com:8080')],
    ['another topic', confirmation.SubscribeURL.replace(topicOf('current'), topicOf('next'))],
    ['another action', confirmation.SubscribeURL.replace('ConfirmSubscription', 'DeleteTopic')],
    ['credentials', confirmation.SubscribeURL.replace('https://', 'https://user:password@')],
    ['no URL', 'confirm me'],
  ])('a subscription that is confirmed at %s is not ours, though it is well signed', (_what, SubscribeURL) =>
    expect(wordOf(judge({ ...confirmation, SubscribeURL }))).toBe('malformed'),
  );

  test('the end of a subscription is taken and confirms nothing', () =>
    expect(judge({ ...confirmation, Type: 'UnsubscribeConfirmation' })).not.toHaveProperty('confirmUrl'));

  test('a confirmation cannot pass for a notification: what is signed differs', () => {
    const request = snsRequest({ ...signSns(confirmation), Type: 'Notification' });
    expect(wordOf(ses.webhook.verify(request, settings()))).toBe('mismatch');
  });

  test.each([['null'], ['[]'], ['"x"'], ['{'], ['{}'], ['{"TopicArn":7}']])(
    '%s is no message of SNS',
    (body) => {
      const request = { ...snsRequest({}), rawBody: Buffer.from(body) };
      expect(['malformed', 'missing', 'topic']).toContain(wordOf(ses.webhook.verify(request, settings())));
    },
  );
});

describe('SendGrid: keys and signatures', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = '[{"event":"delivered"}]';
  const timestamp = '1794960000';
  const request = (signature: string): WebhookRequest => ({
    rawBody: Buffer.from(body),
    contentType: 'application/json',
    headers: {
      'x-twilio-email-event-webhook-timestamp': timestamp,
      'x-twilio-email-event-webhook-signature': signature,
    },
    url: 'https://verify.example.com/v1/sendgrid/webhook',
    clientAddress: '192.0.2.7',
    now,
  });
  const spki = (key: typeof publicKey): string =>
    key.export({ format: 'der', type: 'spki' }).toString('base64');
  const good = signWith('sha256', Buffer.from(timestamp + body), privateKey).toString('base64');
  const judge = (signature: string, key = spki(publicKey)): string =>
    wordOf(sendgrid.webhook.verify(request(signature), { ...shared, signingKeys: [new Secret(key)] }));

  test('a signature has one spelling: what base64 would ignore is refused', () => {
    expect(judge(good)).toBe('ok');
    for (const bent of [
      `${good}\n`,
      ` ${good}`,
      good.replace(/=+$/, ''),
      `${good}=`,
      good.replace('A', 'A*'),
    ])
      if (bent !== good) expect(judge(bent), bent).toBe('malformed');
  });

  test('a key of another curve or kind is no key', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    for (const key of [spki(p384), spki(rsa), 'bm90IGEga2V5', '']) expect(judge(good, key)).toBe('no_key');
  });

  test('a report with another id of SendGrid’s is the same event, one of another time or reason is not', () => {
    const event = {
      event: 'deferred',
      timestamp: 1794960000,
      mid: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
      response: '400 later',
    };
    const idOf = (changed: object): string | undefined =>
      sendgrid.webhook.parse([{ ...event, sg_event_id: 'one', ...changed }])[0]?.eventId;
    expect(idOf({ sg_event_id: 'two', sg_message_id: undefined })).toBe(idOf({}));
    const others = [
      { timestamp: 1794960001 },
      { response: '401 later' },
      { event: 'processed' },
      { attempt: '2' },
    ];
    expect(new Set([idOf({}), ...others.map(idOf)]).size).toBe(others.length + 1);
  });

  test('no id is a hash that an address could be found by', () => {
    const event = { event: 'delivered', timestamp: 1794960000, mid: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01' };
    const idOf = (email: string): string | undefined =>
      sendgrid.webhook.parse([{ ...event, email }])[0]?.eventId;
    expect(idOf('ada@example.org')).toBe(idOf('grace@example.org'));
    expect(idOf('ada@example.org')).not.toContain(
      createHash('sha256').update('ada@example.org').digest('hex').slice(0, 20),
    );
  });
});

describe.each([postmark, brevo])('$name: a shared secret', ({ webhook }) => {
  const secret = 'shared-secret-of-the-tests-0123';
  const settings = { ...shared, signingKeys: [new Secret(secret)] };
  const judge = (headers: WebhookRequest['headers'], more: Partial<WebhookRequest> = {}): string =>
    wordOf(
      webhook.verify(
        {
          rawBody: Buffer.from('{}'),
          contentType: 'application/json',
          headers,
          url: 'https://verify.example.com/',
          clientAddress: '192.0.2.7',
          now,
          ...more,
        },
        settings,
      ),
    );

  test.each([
    ['HTTP Basic', { authorization: basic(secret) }],
    ['a bearer token', { authorization: `Bearer ${secret}` }],
    ['a header of its own', { 'x-webhook-secret': secret }],
    ['a good one beside a wrong one', { authorization: 'Bearer wrong', 'x-webhook-secret': secret }],
  ])('is taken as %s', (_how, headers) => expect(judge(headers)).toBe('ok'));

  test.each([
    ['of another user', { authorization: basic(secret, 'postmark') }],
    ['in the wrong scheme', { authorization: `Basic ${secret}` }],
    ['in another place', { 'x-webhook-secret': `Bearer ${secret}` }],
    ['twice', { 'x-webhook-secret': [secret, secret] }],
    ['half', { authorization: `Bearer ${secret.slice(0, 12)}` }],
    ['empty', { authorization: basic('') }],
  ])('is refused %s', (_how, headers) => expect(['mismatch', 'missing']).toContain(judge(headers)));

  test('in the URL is not looked at: queries are logged by everybody', () =>
    expect(judge({}, { url: `https://verify.example.com/?secret=${secret}` })).toBe('missing'));

  test('does not make a body of something else', () =>
    expect(judge({ authorization: basic(secret) }, { rawBody: Buffer.from('no JSON') })).toBe('malformed'));
});

test('an IPv4 address of a list is the same behind a socket of both families', () => {
  for (const of of webhookCases.filter(({ covers }) => covers === 'nothing')) {
    const settings = of.settings(['current'], { allowedAddresses: ['192.0.2.0/24'] });
    const request = of.sign(of.first, { key: 'current', atSeconds: 0, id: '' });
    const from = (clientAddress: string): string =>
      wordOf(of.webhook.verify({ ...request, clientAddress }, settings));
    expect(['192.0.2.9', '::ffff:192.0.2.9', '192.0.3.9', '::ffff:192.0.3.9', 'unknown'].map(from)).toEqual([
      'ok',
      'ok',
      'address',
      'address',
      'address',
    ]);
  }
});
