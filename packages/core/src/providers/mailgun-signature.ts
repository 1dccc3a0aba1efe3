import { createHmac } from 'node:crypto';
import { isSameText, sha256 } from './digest.ts';
import { judgeFreshness, tokenMemorySeconds } from './freshness.ts';
import type { WebhookRequest, WebhookSettings, WebhookVerdict } from './provider.ts';
import { decodeForm, decodeJson, type Fields, fieldsOf, textOf } from './webhook-body.ts';

/** Unix seconds of the years 2001 to 2286. A fixed width leaves one way only to split timestamp and token. */
const timestampPattern = /^\d{10}$/;

/** Mailgun documents 50 characters; anything longer than this is not one of its tokens. */
const tokenCharsMax = 200;

/** The legacy form mixes the mail's own variables into the fields; the signature's come after them. */
const signatureFields = new Set(['timestamp', 'token', 'signature']);

const decode = (request: WebhookRequest): Fields | undefined => {
  const isForm = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(request.contentType);
  if (isForm) return decodeForm(request.rawBody, signatureFields);
  const body = decodeJson(request.rawBody);
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? fieldsOf(body) : undefined;
};

/** Where the three fields stand: in an object of their own since webhooks v3, flat before. */
export const signatureOf = (body: Fields): Fields =>
  typeof body['signature'] === 'object' ? fieldsOf(body['signature']) : body;

/**
 * Verifies hex(HMAC-SHA-256(key, timestamp + token)) as Mailgun's "Securing Webhooks" describes it.
 * The signature does not cover the report, so the token is good for one body only: the caller keeps
 * `replayKey` unique. All keys are tried, whichever matches.
 */
export const verifyMailgunWebhook = (request: WebhookRequest, settings: WebhookSettings): WebhookVerdict => {
  const keys = settings.signingKeys.map((key) => key.reveal()).filter((key) => key.trim() !== '');
  if (keys.length === 0) return { ok: false, reason: 'no_key' };
  const body = decode(request);
  if (body === undefined) return { ok: false, reason: 'malformed' };

  const fields = signatureOf(body);
  const timestamp = textOf(fields, 'timestamp') ?? '';
  const token = textOf(fields, 'token') ?? '';
  const signature = textOf(fields, 'signature') ?? '';
  if (timestamp === '' || token === '' || signature === '') return { ok: false, reason: 'missing' };
  if (!timestampPattern.test(timestamp) || token.length > tokenCharsMax)
    return { ok: false, reason: 'malformed' };

  const matches = keys.map((key) =>
    isSameText(
      signature,
      createHmac('sha256', key)
        .update(timestamp + token)
        .digest('hex'),
    ),
  );
  if (!matches.includes(true)) return { ok: false, reason: 'mismatch' };

  // After the signature, so that `stale` always means a report of the provider's that came too late.
  const freshness = judgeFreshness(Number(timestamp) * 1000, request.now, settings, tokenMemorySeconds);
  if (freshness === 'stale') return { ok: false, reason: 'stale' };
  return {
    ok: true,
    replayKey: sha256(token),
    bodyHash: sha256(request.rawBody),
    body,
    late: freshness === 'late',
  };
};
