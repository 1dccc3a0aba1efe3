import { addressRanges } from '../client-address.ts';
import { isSameText, sha256 } from './digest.ts';
import type { WebhookRequest, WebhookSettings, WebhookVerdict } from './provider.ts';
import { decodeJson, headerOf } from './webhook-body.ts';

/** The user in `https://reconfirm:<secret>@…`, the form in which a secret goes into a provider's URL. */
const user = 'reconfirm';

/** Every form in which a secret may be shown. Compared encoded, so that a value has one spelling only. */
const formsOf = (secret: string): readonly (readonly [header: string, value: string])[] => [
  ['authorization', `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`],
  ['authorization', `Bearer ${secret}`],
  ['x-webhook-secret', secret],
];

/**
 * Verifies a request of a provider that signs nothing: a shared secret as HTTP Basic (user `reconfirm`),
 * as a bearer token or in the header `X-Webhook-Secret`, and from a listed address where there is a list.
 * Nothing covers the body, so whoever knows the secret can report anything: it must travel by https only.
 */
export const verifySharedSecret = (request: WebhookRequest, settings: WebhookSettings): WebhookVerdict => {
  const secrets = settings.signingKeys.map((key) => key.reveal()).filter((secret) => secret.trim() !== '');
  if (secrets.length === 0) return { ok: false, reason: 'no_key' };
  const ranges = settings.allowedAddresses ?? [];
  if (ranges.length > 0 && !addressRanges(ranges)(request.clientAddress))
    return { ok: false, reason: 'address' };
  const given = (header: string): string => headerOf(request.headers, header) ?? '';
  if (given('authorization') === '' && given('x-webhook-secret') === '')
    return { ok: false, reason: 'missing' };
  const matches = secrets.flatMap((secret) =>
    formsOf(secret).map(([header, value]) => isSameText(given(header), value)),
  );
  if (!matches.includes(true)) return { ok: false, reason: 'mismatch' };
  const body = decodeJson(request.rawBody);
  if (typeof body !== 'object' || body === null) return { ok: false, reason: 'malformed' };
  return { ok: true, bodyHash: sha256(request.rawBody), body, late: false };
};
