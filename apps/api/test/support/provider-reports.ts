import { createHmac, generateKeyPairSync, randomUUID, sign as signWith } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { webhookKey } from './installation.ts';
import type { Answer } from './requests.ts';

/** What became of a message, in no provider's words. */
export type News = 'accepted' | 'deferred' | 'delivered' | 'bounced' | 'complained' | 'opened';

/** A request as a provider makes it. */
export interface ProviderRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
}

/** One provider as it calls: its settings, and a signed request of one or several reports. */
export interface CallingProvider {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Signed with the newer secret unless `older`; with nobody's when `forged`. */
  readonly request: (
    reports: readonly (readonly [news: News, messageId: string])[],
    signer?: 'newer' | 'older' | 'forged',
  ) => ProviderRequest;
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const json = { 'content-type': 'application/json' };
const recipient = 'somebody@example.org';
const onlyOne = <T>(list: readonly T[]): T => {
  const [one] = list;
  if (one === undefined || list.length > 1) throw new Error('this provider reports one at a time');
  return one;
};

const mailgunWords: Readonly<Record<News, object>> = {
  accepted: { event: 'accepted' },
  deferred: { event: 'failed', severity: 'temporary' },
  delivered: { event: 'delivered' },
  bounced: { event: 'failed', severity: 'permanent', reason: 'bounce' },
  complained: { event: 'complained' },
  opened: { event: 'opened' },
};

const mailgun: CallingProvider = {
  name: 'mailgun',
  settings: { MAILGUN_WEBHOOK_SIGNING_KEY: `${webhookKey},older-key-of-mailgun` },
  request: (reports, signer = 'newer') => {
    const [news, messageId] = onlyOne(reports);
    const key = { newer: webhookKey, older: 'older-key-of-mailgun', forged: 'forged' }[signer];
    const [timestamp, token] = [String(nowSeconds()), randomUUID()];
    const signature = createHmac('sha256', key)
      .update(timestamp + token)
      .digest('hex');
    const eventData = {
      ...mailgunWords[news],
      id: randomUUID(),
      timestamp: nowSeconds(),
      recipient,
      'user-variables': { mid: messageId },
    };
    return {
      url: '/v1/mailgun/webhook',
      headers: json,
      payload: JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': eventData }),
    };
  },
};

const keyFile = (name: string): string =>
  readFileSync(new URL(`../../../../packages/core/test/fixtures/keys/${name}`, import.meta.url), 'utf8');

export const snsCertificate = keyFile('sns-certificate.pem');
const snsKey = keyFile('sns-key.pem');
const foreignRsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
export const snsCertificatePath = `/SimpleNotificationService-${'0123456789abcdef'.repeat(2)}.pem`;
export const topicArn = 'arn:aws:sns:eu-west-1:123456789012:mail';
const olderTopicArn = `${topicArn}-older`;

/** A message of SNS, signed as Amazon does (version 2). */
export const snsMessage = (
  fields: Readonly<Record<string, string>>,
  key: Parameters<typeof signWith>[2] = snsKey,
  certificatePath = snsCertificatePath,
): ProviderRequest => {
  const all: Record<string, string> = {
    MessageId: randomUUID(),
    Timestamp: new Date().toISOString(),
    ...fields,
  };
  const names = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const text = names.map((name) => (name in all ? `${name}\n${all[name]}\n` : '')).join('');
  const signed = {
    ...all,
    SignatureVersion: '2',
    Signature: signWith('sha256', Buffer.from(text), key).toString('base64'),
    SigningCertURL: `https://sns.eu-west-1.amazonaws.com${certificatePath}`,
  };
  return {
    url: '/v1/ses/webhook',
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
    payload: JSON.stringify(signed),
  };
};

const sesWords: Readonly<Record<News, object>> = {
  accepted: { eventType: 'Send', send: {} },
  deferred: { eventType: 'DeliveryDelay', deliveryDelay: { delayType: 'General' } },
  delivered: { eventType: 'Delivery', delivery: { smtpResponse: '250 OK' } },
  bounced: { eventType: 'Bounce', bounce: { bounceType: 'Permanent', bounceSubType: 'NoEmail' } },
  complained: { eventType: 'Complaint', complaint: { complaintFeedbackType: 'abuse' } },
  opened: { eventType: 'Open', open: {} },
};

const ses: CallingProvider = {
  name: 'ses',
  settings: { SES_TOPIC_ARNS: `${topicArn},${olderTopicArn}` },
  request: (reports, signer = 'newer') => {
    const [news, messageId] = onlyOne(reports);
    const mail = {
      timestamp: new Date().toISOString(),
      messageId: randomUUID(),
      destination: [recipient],
      tags: { mid: [messageId] },
    };
    return snsMessage(
      {
        Type: 'Notification',
        TopicArn: signer === 'older' ? olderTopicArn : topicArn,
        Message: JSON.stringify({ ...sesWords[news], mail }),
      },
      signer === 'forged' ? foreignRsa : snsKey,
    );
  },
};

const ecKeys = {
  newer: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  older: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  forged: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};
const spki = (signer: 'newer' | 'older'): string =>
  ecKeys[signer].publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

const sendgridWords: Readonly<Record<News, object>> = {
  accepted: { event: 'processed' },
  deferred: { event: 'deferred', response: '400 try again later' },
  delivered: { event: 'delivered', response: '250 OK' },
  bounced: { event: 'bounce', type: 'bounce', reason: '550 5.1.1 unknown', status: '5.1.1' },
  complained: { event: 'spamreport' },
  opened: { event: 'open' },
};

const sendgrid: CallingProvider = {
  name: 'sendgrid',
  settings: { SENDGRID_WEBHOOK_PUBLIC_KEY: `${spki('newer')},${spki('older')}` },
  request: (reports, signer = 'newer') => {
    const payload = JSON.stringify(
      reports.map(([news, mid]) => ({
        ...sendgridWords[news],
        email: recipient,
        timestamp: nowSeconds(),
        sg_event_id: randomUUID(),
        mid,
      })),
    );
    const timestamp = String(nowSeconds());
    return {
      url: '/v1/sendgrid/webhook',
      headers: {
        ...json,
        'x-twilio-email-event-webhook-timestamp': timestamp,
        'x-twilio-email-event-webhook-signature': signWith(
          'sha256',
          Buffer.from(timestamp + payload),
          ecKeys[signer].privateKey,
        ).toString('base64'),
      },
      payload,
    };
  },
};

const secrets = {
  newer: 'newer-secret-of-the-tests-0123456789',
  older: 'older-secret-of-the-tests-0123456789',
  forged: 'forged-secret-of-the-tests-0123456789',
};

const postmarkWords: Readonly<Record<News, object>> = {
  accepted: { RecordType: 'Bounce', Type: 'OpenRelayTest' },
  deferred: { RecordType: 'Bounce', Type: 'Transient', Details: 'smtp;451 later' },
  delivered: { RecordType: 'Delivery', Details: '250 OK' },
  bounced: { RecordType: 'Bounce', Type: 'HardBounce', Details: 'smtp;550 5.1.1 unknown' },
  complained: { RecordType: 'SpamComplaint', Type: 'SpamComplaint' },
  opened: { RecordType: 'Open' },
};

const postmark: CallingProvider = {
  name: 'postmark',
  settings: { POSTMARK_WEBHOOK_SECRET: `${secrets.newer},${secrets.older}` },
  request: (reports, signer = 'newer') => {
    const [news, mid] = onlyOne(reports);
    const at = new Date().toISOString();
    return {
      url: '/v1/postmark/webhook',
      headers: {
        ...json,
        authorization: `Basic ${Buffer.from(`reconfirm:${secrets[signer]}`).toString('base64')}`,
      },
      payload: JSON.stringify({
        ...postmarkWords[news],
        MessageID: randomUUID(),
        Metadata: { mid },
        Email: recipient,
        ReceivedAt: at,
      }),
    };
  },
};

const resendWords: Readonly<Record<News, readonly [type: string, data: object]>> = {
  accepted: ['email.sent', {}],
  deferred: ['email.delivery_delayed', {}],
  delivered: ['email.delivered', {}],
  bounced: [
    'email.bounced',
    { bounce: { type: 'Permanent', subType: 'General', message: '550 5.1.1 unknown' } },
  ],
  complained: ['email.complained', {}],
  opened: ['email.opened', {}],
};

const svixKey = (signer: string): Buffer => Buffer.from(`svix-secret-number-${signer}`);

const resend: CallingProvider = {
  name: 'resend',
  settings: {
    RESEND_WEBHOOK_SECRET: ['newer', 'older']
      .map((name) => `whsec_${svixKey(name).toString('base64')}`)
      .join(','),
  },
  request: (reports, signer = 'newer') => {
    const [news, messageId] = onlyOne(reports);
    const [type, data] = resendWords[news];
    const payload = JSON.stringify({
      type,
      created_at: new Date().toISOString(),
      data: {
        email_id: randomUUID(),
        to: [recipient],
        headers: [{ name: 'X-Entity-Ref-ID', value: messageId }],
        ...data,
      },
    });
    const [id, timestamp] = [`msg_${randomUUID()}`, String(nowSeconds())];
    const mac = createHmac('sha256', svixKey(signer))
      .update(`${id}.${timestamp}.${payload}`)
      .digest('base64');
    return {
      url: '/v1/resend/webhook',
      headers: { ...json, 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': `v1,${mac}` },
      payload,
    };
  },
};

const brevoWords: Readonly<Record<News, string>> = {
  accepted: 'request',
  deferred: 'deferred',
  delivered: 'delivered',
  bounced: 'hard_bounce',
  complained: 'spam',
  opened: 'unique_opened',
};

const brevo: CallingProvider = {
  name: 'brevo',
  settings: { BREVO_WEBHOOK_SECRET: `${secrets.newer},${secrets.older}` },
  request: (reports, signer = 'newer') => {
    const events = reports.map(([news, mid]) => ({
      event: brevoWords[news],
      email: recipient,
      ts_epoch: Date.now(),
      'message-id': `<${mid}@mail.example.com>`,
      'X-Mailin-custom': `mid:${mid}`,
    }));
    return {
      url: '/v1/brevo/webhook',
      headers: { ...json, authorization: `Bearer ${secrets[signer]}` },
      payload: JSON.stringify(events.length === 1 ? events[0] : events),
    };
  },
};

export const callingProviders = { mailgun, ses, sendgrid, postmark, resend, brevo } as const;

export const call = (
  api: { readonly app: FastifyInstance },
  { url, headers, payload }: ProviderRequest,
): Promise<Answer> => api.app.inject({ method: 'POST', url, headers: { ...headers }, payload });
