import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { News, Report } from './webhook-messages.ts';

/** A signed request and the reports in it. */
export interface WebhookCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly reports: readonly Report[];
}

const mailgunKey = randomBytes(16).toString('hex');
const sendgridKeys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** What the API has to be told for it to believe these requests. */
export const webhookSettings: Readonly<Record<string, string>> = {
  MAILGUN_WEBHOOK_SIGNING_KEY: mailgunKey,
  SENDGRID_WEBHOOK_PUBLIC_KEY: sendgridKeys.publicKey
    .export({ format: 'der', type: 'spki' })
    .toString('base64'),
};

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

const mailgunWords: Readonly<Record<News, object>> = {
  delivered: {
    event: 'delivered',
    'delivery-status': { code: 250, message: 'OK', tls: true, 'attempt-no': 1 },
  },
  bounced: {
    event: 'failed',
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': {
      code: 550,
      message: '5.1.1 The email account that you tried to reach does not exist',
    },
  },
  complained: { event: 'complained' },
};

/** One report as Mailgun sends it: always alone. */
export const mailgunCall = (report: Report): WebhookCall => {
  const [timestamp, token] = [String(nowSeconds()), randomBytes(25).toString('hex')];
  const signature = createHmac('sha256', mailgunKey)
    .update(timestamp + token)
    .digest('hex');
  const body = JSON.stringify({
    signature: { timestamp, token, signature },
    'event-data': {
      ...mailgunWords[report.news],
      id: randomBytes(16).toString('base64url'),
      timestamp: Date.now() / 1000,
      'log-level': 'info',
      recipient: `${report.messageId}@example.com`,
      'recipient-domain': 'example.com',
      envelope: { transport: 'smtp', sender: 'no-reply@mail.example.com', 'sending-ip': '192.0.2.25' },
      message: {
        headers: { 'message-id': `${report.messageId}@mail.example.com`, subject: 'Confirm' },
        size: 18_000,
      },
      flags: { 'is-routed': false, 'is-authenticated': true, 'is-system-test': false, 'is-test-mode': false },
      'user-variables': { mid: report.messageId },
    },
  });
  return {
    path: '/v1/mailgun/webhook',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(body),
    reports: [report],
  };
};

const sendgridWords: Readonly<Record<News, object>> = {
  delivered: {
    event: 'delivered',
    response: '250 2.0.0 OK 1794960000 a1-20020a17090a748100b001d3 - gsmtp',
    tls: 1,
  },
  bounced: {
    event: 'bounce',
    type: 'bounce',
    status: '5.1.1',
    bounce_classification: 'Invalid Address',
    reason: '550 5.1.1 The email account that you tried to reach does not exist.',
  },
  complained: { event: 'spamreport' },
};

const sendgridReport = ({ messageId, news }: Report): object => ({
  email: `${messageId}@example.com`,
  timestamp: nowSeconds(),
  'smtp-id': `<${messageId}@mail.example.com>`,
  ...sendgridWords[news],
  category: ['verification'],
  sg_event_id: randomBytes(16).toString('base64url'),
  sg_message_id: `${randomBytes(8).toString('hex')}.filter0001.16648.5515E0B88.0`,
  ip: '192.0.2.25',
  mid: messageId,
});

/** A batch as SendGrid sends it. */
export const sendgridCall = (reports: readonly Report[]): WebhookCall => {
  const body = Buffer.from(JSON.stringify(reports.map(sendgridReport)));
  const timestamp = String(nowSeconds());
  return {
    path: '/v1/sendgrid/webhook',
    headers: {
      'content-type': 'application/json',
      'x-twilio-email-event-webhook-timestamp': timestamp,
      'x-twilio-email-event-webhook-signature': sign(
        'sha256',
        Buffer.concat([Buffer.from(timestamp), body]),
        sendgridKeys.privateKey,
      ).toString('base64'),
    },
    body,
    reports,
  };
};

/** How many reports of SendGrid's make a body of this size. */
export const reportsInBytes = (sizeBytes: number): number => {
  const sample = Array.from({ length: 20 }, (_, index): Report => ({
    messageId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
    news: index === 0 ? 'bounced' : 'delivered',
  }));
  return Math.floor((sizeBytes * sample.length) / sendgridCall(sample).body.byteLength);
};
