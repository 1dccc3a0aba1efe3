import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { sha256 } from './digest.ts';
import { judgeFreshness } from './freshness.ts';
import type { WebhookRequest, WebhookSettings, WebhookVerdict } from './provider.ts';
import { decodeJson, headerOf } from './webhook-body.ts';

/** The verification key as SendGrid's settings show it: base64 of a P-256 key in SPKI form; else undefined. */
export const readSendgridKey = (text: string): KeyObject | undefined => {
  try {
    const key = createPublicKey({ key: Buffer.from(text.trim(), 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    // Not a key at all.
    return undefined;
  }
};

/** One spelling only: base64 is decoded leniently, and bytes that are ignored would be free to change. */
const decodeBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
};

/**
 * Verifies ECDSA-SHA-256 over timestamp and raw body ("Getting Started with the Event Webhook Security
 * Features" in SendGrid's documentation). The body is covered, so what is repeated is known by its events.
 */
export const verifySendgridWebhook = (request: WebhookRequest, settings: WebhookSettings): WebhookVerdict => {
  const keys = settings.signingKeys.flatMap((key) => readSendgridKey(key.reveal()) ?? []);
  if (keys.length === 0) return { ok: false, reason: 'no_key' };
  const timestamp = headerOf(request.headers, 'x-twilio-email-event-webhook-timestamp') ?? '';
  const signatureText = headerOf(request.headers, 'x-twilio-email-event-webhook-signature') ?? '';
  if (timestamp === '' || signatureText === '') return { ok: false, reason: 'missing' };
  const signature = decodeBase64(signatureText);
  if (!/^\d{10}$/.test(timestamp) || signature === undefined) return { ok: false, reason: 'malformed' };

  const signed = Buffer.concat([Buffer.from(timestamp), request.rawBody]);
  if (!keys.some((key) => verify('sha256', signed, key, signature))) return { ok: false, reason: 'mismatch' };
  const freshness = judgeFreshness(Number(timestamp) * 1000, request.now, settings);
  if (freshness === 'stale') return { ok: false, reason: 'stale' };
  const body = decodeJson(request.rawBody);
  if (!Array.isArray(body)) return { ok: false, reason: 'malformed' };
  return { ok: true, bodyHash: sha256(request.rawBody), body, late: freshness === 'late' };
};
