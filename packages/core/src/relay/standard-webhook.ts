import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../secret.ts';

export type WebhookJudgement =
  | { readonly valid: true; readonly id: string }
  | { readonly valid: false; readonly why: 'no_secret' | 'missing_header' | 'stale' | 'mismatch' };

/** Standard Webhooks 1.0.0: five minutes either way. */
export const standardToleranceSeconds = 300;

/** Reads `v1,whsec_<base64>` or `whsec_<base64>`, several with `|` between while rotating. */
export const parseWebhookSecrets = (text: string): readonly string[] | { readonly problem: string } => {
  const secrets = text
    .split(/[|\s]+/)
    .map((part) => part.replace(/^v1,/, ''))
    .filter((part) => part !== '');
  const isWhole = secrets.every(
    (secret) =>
      /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) && Buffer.from(secret.slice(6), 'base64').length >= 24,
  );
  return isWhole && secrets.length > 0
    ? secrets
    : { problem: 'must look like v1,whsec_<base64 of at least 24 bytes>; several with | between' };
};

/**
 * Whether a call was signed with one of the secrets, over exactly these bytes (Standard Webhooks 1.0.0,
 * "Verifying webhook authenticity"). Every signature of the header is compared with every secret.
 */
export const judgeStandardWebhook = (
  rawBody: Uint8Array,
  headers: Readonly<Record<string, string | undefined>>,
  secrets: readonly Secret[],
  nowMs: number,
): WebhookJudgement => {
  if (secrets.length === 0) return { valid: false, why: 'no_secret' };
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map(
    (name) => headers[`webhook-${name}`],
  );
  if (!id || !timestamp || !signatures) return { valid: false, why: 'missing_header' };
  const ageSeconds = Math.abs(nowMs / 1000 - Number(timestamp));
  if (!/^\d{1,12}$/.test(timestamp) || ageSeconds > standardToleranceSeconds)
    return { valid: false, why: 'stale' };
  const given = signatures
    .split(' ')
    .filter((part) => part.startsWith('v1,'))
    .map((part) => Buffer.from(part.slice(3), 'base64'));
  const isSigned = secrets.some((secret) => {
    const mac = createHmac('sha256', Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64'))
      .update(`${id}.${timestamp}.`)
      .update(rawBody)
      .digest();
    return given.some((signature) => signature.length === mac.length && timingSafeEqual(signature, mac));
  });
  return isSigned ? { valid: true, id } : { valid: false, why: 'mismatch' };
};
