import { createHash, createHmac } from 'node:crypto';
import type { ProviderWebhook, WebhookRequest, WebhookSettings } from '../src/providers/provider.ts';
import { smsProviders } from '../src/sms-providers/registry.ts';
import { Secret } from '../src/secret.ts';
import type { SmsProvider } from '../src/sms-providers/provider.ts';
import { type Fixture, fixturesOf } from './webhook-fixtures.ts';

export const now = new Date('2026-11-18T00:00:10Z');
export const messageId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';
/** A key that is being replaced, and the one that replaces it. */
export const keys = ['d2hzZWNfa2V5X251bWJlcl9vbmVfMDE=', 'd2hzZWNfa2V5X251bWJlcl90d29fMDI='] as const;
export const settings: WebhookSettings = {
  signingKeys: keys.map((key) => new Secret(key)),
  maxAgeSeconds: 300,
  maxFutureSeconds: 300,
  late: 'refuse',
};
/** What the fixtures expect as the id of a report of a gateway. */
export const webhookId = 'msg_0123456789abcdef';

/** How a provider signs: what a new one with a webhook has to bring to the tests. */
type Sign = (fixture: Fixture, key: string) => WebhookRequest;

const macOf = (algorithm: string, key: string | Buffer, text: string): string =>
  createHmac(algorithm, key).update(text).digest('base64');

const twilio: Sign = (fixture, key) => {
  const callback = `https://verify.example.com/v1/twilio/webhook?m=${messageId}`;
  const fields = fixture.body as Record<string, string>;
  const isJson = fixture.contentType === 'application/json';
  const body = isJson ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
  const digest = createHash('sha256').update(body).digest('hex');
  const url = isJson ? `${callback}&bodySHA256=${digest}` : callback;
  const signed = isJson
    ? url
    : url +
      Object.keys(fields)
        .toSorted()
        .map((name) => `${name}${fields[name] ?? ''}`)
        .join('');
  return {
    rawBody: Buffer.from(body),
    contentType: fixture.contentType,
    headers: { 'x-twilio-signature': macOf('sha1', key, signed) },
    url,
    clientAddress: '192.0.2.7',
    now,
  };
};

const http: Sign = (fixture, key) => {
  const timestamp = '1794960000';
  const body = JSON.stringify(fixture.body);
  return {
    rawBody: Buffer.from(body),
    contentType: fixture.contentType,
    headers: {
      'webhook-id': webhookId,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${macOf('sha256', Buffer.from(key, 'base64'), `${webhookId}.${timestamp}.${body}`)}`,
    },
    url: 'https://verify.example.com/v1/sms/webhook',
    clientAddress: '192.0.2.7',
    now,
  };
};

export const signings: Readonly<Record<string, Sign>> = { twilio, http };

export interface SmsWebhookCase {
  readonly name: string;
  readonly webhook: ProviderWebhook;
  readonly sign: Sign;
  readonly fixtures: readonly (readonly [string, Fixture])[];
}

/** One case for every SMS provider that has a webhook; the first test below sees that none is missing. */
export const smsWebhookCases: readonly SmsWebhookCase[] = Object.values<SmsProvider>(smsProviders).flatMap(
  ({ name, webhook }) => {
    const sign = signings[name];
    if (webhook === undefined || sign === undefined) return [];
    return [{ name, webhook, sign, fixtures: fixturesOf(name) }];
  },
);
