import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { type Settings, webhookKey } from './installation.ts';
import type { SentEvent, SentWebhook } from './webhook-sender.ts';

const sendgridKeys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** By which the API believes the batches of `sendgridWebhook`. */
export const sendgridSettings: Settings = {
  SENDGRID_WEBHOOK_PUBLIC_KEY: sendgridKeys.publicKey
    .export({ format: 'der', type: 'spki' })
    .toString('base64'),
};

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

const mailgunWords: Readonly<Record<SentEvent['type'], object>> = {
  accepted: { event: 'accepted' },
  deferred: { event: 'failed', severity: 'temporary' },
  delivered: { event: 'delivered' },
  bounced: { event: 'failed', severity: 'permanent', reason: 'bounce' },
  complained: { event: 'complained' },
};

/** One event as Mailgun reports it (webhooks v3). Sent again, it is the same to the byte. */
export const mailgunWebhook = (event: SentEvent): SentWebhook => {
  const [timestamp, token] = [String(nowSeconds()), randomBytes(25).toString('hex')];
  const signature = createHmac('sha256', webhookKey)
    .update(timestamp + token)
    .digest('hex');
  return {
    path: '/v1/mailgun/webhook',
    headers: {},
    json: {
      signature: { timestamp, token, signature },
      'event-data': {
        ...mailgunWords[event.type],
        id: randomBytes(12).toString('base64url'),
        timestamp: nowSeconds(),
        recipient: 'somebody@example.com',
        'user-variables': { mid: event.messageId },
      },
    },
    events: [event],
  };
};

const sendgridWords: Readonly<Record<SentEvent['type'], object>> = {
  accepted: { event: 'processed' },
  deferred: { event: 'deferred', response: '451 4.7.1 try again later' },
  delivered: { event: 'delivered', response: '250 OK' },
  bounced: { event: 'bounce', type: 'bounce', status: '5.1.1', reason: '550 5.1.1 no such user' },
  complained: { event: 'spamreport' },
};

/** Several events as SendGrid reports them, signed as a whole. */
export const sendgridWebhook = (events: readonly SentEvent[]): SentWebhook => {
  const json = events.map(({ messageId, type }) => ({
    ...sendgridWords[type],
    email: 'somebody@example.com',
    timestamp: nowSeconds(),
    sg_event_id: randomBytes(16).toString('base64url'),
    sg_message_id: `${randomBytes(8).toString('hex')}.filter0001`,
    mid: messageId,
  }));
  const timestamp = String(nowSeconds());
  const signature = sign('sha256', Buffer.from(timestamp + JSON.stringify(json)), sendgridKeys.privateKey);
  return {
    path: '/v1/sendgrid/webhook',
    headers: {
      'x-twilio-email-event-webhook-timestamp': timestamp,
      'x-twilio-email-event-webhook-signature': signature.toString('base64'),
    },
    json,
    events,
  };
};
