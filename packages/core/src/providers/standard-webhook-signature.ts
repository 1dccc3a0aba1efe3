import { createHmac } from 'node:crypto';
import { isSameText } from './digest.ts';
import { type Freshness, judgeFreshness } from './freshness.ts';
import type { RefusedWebhook, WebhookRequest, WebhookSettings } from './provider.ts';
import { headerOf } from './webhook-body.ts';

const secretBytes = (key: string): Buffer => Buffer.from(key.trim().replace(/^whsec_/, ''), 'base64');

export interface StandardWebhook {
  readonly ok: true;
  /** The same in every retry of one report. */
  readonly id: string;
  /** Of this try. */
  readonly signedAt: Date;
  readonly freshness: Exclude<Freshness, 'stale'>;
}

/**
 * Verifies a request by Standard Webhooks (standardwebhooks.com, "Webhook Signatures"), which is Svix's scheme
 * under other names: `<prefix>-signature` lists `v1,` and base64(HMAC-SHA-256(secret, id.timestamp.body)).
 * Any of several signatures and secrets will do.
 */
export const verifyStandardWebhook = (
  request: WebhookRequest,
  settings: WebhookSettings,
  prefix: 'webhook' | 'svix',
): StandardWebhook | RefusedWebhook => {
  const keys = settings.signingKeys.map((key) => secretBytes(key.reveal())).filter((key) => key.length > 0);
  if (keys.length === 0) return { ok: false, reason: 'no_key' };
  const id = headerOf(request.headers, `${prefix}-id`) ?? '';
  const timestamp = headerOf(request.headers, `${prefix}-timestamp`) ?? '';
  const signatures = (headerOf(request.headers, `${prefix}-signature`) ?? '')
    .split(' ', 10)
    .flatMap((part) => (part.startsWith('v1,') ? [part.slice(3)] : []));
  if (id === '' || timestamp === '' || signatures.length === 0) return { ok: false, reason: 'missing' };
  if (!/^\d{10}$/.test(timestamp) || !/^[\x21-\x7e]{1,100}$/.test(id))
    return { ok: false, reason: 'malformed' };

  const matches = keys.flatMap((key) => {
    const mac = createHmac('sha256', key)
      .update(`${id}.${timestamp}.`)
      .update(request.rawBody)
      .digest('base64');
    return signatures.map((given) => isSameText(given, mac));
  });
  if (!matches.includes(true)) return { ok: false, reason: 'mismatch' };
  const signedAt = new Date(Number(timestamp) * 1000);
  const freshness = judgeFreshness(signedAt.getTime(), request.now, settings);
  return freshness === 'stale' ? { ok: false, reason: 'stale' } : { ok: true, id, signedAt, freshness };
};
