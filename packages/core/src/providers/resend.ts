import { sha256 } from './digest.ts';
import type { Provider, ProviderWebhook } from './provider.ts';
import { parseResendEvents } from './resend-events.ts';
import { resendLookUp } from './resend-look-up.ts';
import { verifyStandardWebhook } from './standard-webhook-signature.ts';
import { decodeJson } from './webhook-body.ts';

/** The signature covers the body and its id, so a retry is known by the id of its event alone. */
const verify: ProviderWebhook['verify'] = (request, settings) => {
  const verified = verifyStandardWebhook(request, settings, 'svix');
  if (!verified.ok) return verified;
  const report = decodeJson(request.rawBody);
  if (typeof report !== 'object' || report === null || Array.isArray(report))
    return { ok: false, reason: 'malformed' };
  return {
    ok: true,
    bodyHash: sha256(request.rawBody),
    body: { id: verified.id, report },
    late: verified.freshness === 'late',
  };
};

/**
 * Resend, handed to over SMTP ("Send emails with SMTP" in its documentation) and heard through its
 * webhooks, which Svix signs. Over SMTP there are no tags; it reports the mail's own headers back.
 * Tracking is a setting of the domain there, and off unless switched on.
 */
export const resend = {
  name: 'resend',
  carriesMail: 'smtp',
  smtpServer: { host: 'smtp.resend.com', port: 587, user: 'resend' },
  capabilities: { idempotencyKey: true, lookup: true, customId: true },
  // Within 24 hours a second mail with the same key is not sent again ("Idempotency Keys").
  metadataHeaders: (messageId: string) => ({ 'Resend-Idempotency-Key': messageId }),
  webhook: { path: '/v1/resend/webhook', verify, parse: parseResendEvents },
  lookUp: resendLookUp,
} as const satisfies Provider;
