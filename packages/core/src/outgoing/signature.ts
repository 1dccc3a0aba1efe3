import { createHmac } from 'node:crypto';
import { Secret } from '../secret.ts';

/** Bytes of a signing secret; Standard Webhooks 1.0.0 asks for 24 to 64. */
export const webhookSecretSizeBytes = 32;

/** `whsec_` and base64, as every Standard Webhooks library takes it. */
export const webhookSecretOf = (random: Uint8Array): Secret =>
  new Secret(`whsec_${Buffer.from(random).toString('base64')}`);

/**
 * The headers of one attempt (Standard Webhooks 1.0.0, "Webhook headers"): the id stays the same for every
 * attempt, the timestamp does not. While a secret is rotated both sign: `v1,a v1,b`.
 */
export const webhookHeaders = (
  secrets: readonly Secret[],
  message: { readonly id: string; readonly at: Date; readonly body: string },
): Readonly<Record<string, string>> => {
  const seconds = Math.floor(message.at.getTime() / 1000);
  const signed = `${message.id}.${seconds}.${message.body}`;
  const sign = (secret: Secret): string => {
    const key = Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  };
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map(sign).join(' '),
  };
};
