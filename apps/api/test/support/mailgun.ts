import { createHmac, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { webhookKey } from './installation.ts';
import type { Answer } from './requests.ts';

export interface MailgunSignature {
  readonly timestamp: string;
  readonly token: string;
  readonly signature: string;
}

/** A signature as Mailgun makes it ("Securing Webhooks"): a fresh token each, and the time of now. */
export const sign = (
  options: { readonly key?: string; readonly ageSeconds?: number } = {},
): MailgunSignature => {
  const timestamp = String(Math.floor(Date.now() / 1000) - (options.ageSeconds ?? 0));
  const token = randomBytes(25).toString('hex');
  const mac = createHmac('sha256', options.key ?? webhookKey).update(timestamp + token);
  return { timestamp, token, signature: mac.digest('hex') };
};

/** A report in the v3 shape, about one of our messages. */
export const report = (event: string, messageId: string, more: object = {}): object => ({
  event,
  id: randomBytes(16).toString('base64url'),
  timestamp: Date.now() / 1000,
  recipient: 'somebody@example.org',
  message: { headers: { 'message-id': `${messageId}@mail.example.com` } },
  'user-variables': { mid: messageId },
  ...more,
});

const path = '/v1/mailgun/webhook';

/** Posts the bytes as they are. */
export const postRaw = (
  api: { readonly app: FastifyInstance },
  body: string | Buffer,
  contentType = 'application/json',
): Promise<Answer> =>
  api.app.inject({ method: 'POST', url: path, headers: { 'content-type': contentType }, payload: body });

/** Posts a v3 report, signed now unless a signature is given. */
export const postReport = (
  api: { readonly app: FastifyInstance },
  eventData: object,
  signature: object = sign(),
): Promise<Answer> => postRaw(api, JSON.stringify({ signature, 'event-data': eventData }));

/** Posts a report in the flat form of the older webhooks. */
export const postLegacy = (
  api: { readonly app: FastifyInstance },
  fields: Readonly<Record<string, string>>,
  signature: MailgunSignature = sign(),
): Promise<Answer> =>
  postRaw(
    api,
    new URLSearchParams({ ...fields, ...signature }).toString(),
    'application/x-www-form-urlencoded',
  );
