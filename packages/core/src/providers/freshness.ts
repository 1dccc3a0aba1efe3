import type { WebhookSettings } from './provider.ts';

/**
 * So long an event that was seen before is certainly known as such: rows are kept for 8 days at least
 * (RETENTION_DAYS). Providers give a report up after hours (Mailgun 8, SendGrid 24).
 */
export const replayMemorySeconds = 7 * 86_400;

/**
 * The same where a signature covers a token and not the report. Reports of strange messages are kept for a
 * day, and after that a token of theirs could come again with a report about ours.
 */
export const tokenMemorySeconds = 86_400;

/** `late` is taken, because what is counted once cannot count again; `stale` is not. */
export type Freshness = 'fresh' | 'late' | 'stale';

/**
 * Judges the signed time of a request whose signature is good. A retry can carry its first signature,
 * so a short window alone would lose what came in while the database was away.
 */
export const judgeFreshness = (
  signedAtMs: number,
  now: Date,
  settings: WebhookSettings,
  memorySeconds: number = replayMemorySeconds,
): Freshness => {
  const ageSeconds = (now.getTime() - signedAtMs) / 1000;
  // Written so that NaN, of a broken clock, is stale.
  if (!(ageSeconds >= -settings.maxFutureSeconds)) return 'stale';
  if (ageSeconds <= Math.min(settings.maxAgeSeconds, memorySeconds)) return 'fresh';
  return settings.late === 'store' && ageSeconds <= memorySeconds ? 'late' : 'stale';
};
