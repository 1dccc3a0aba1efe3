import type { SmsFailure, SmsFailureCode } from '../sms-failure.ts';
import type { SmsHttpAnswer, SmsVerdict } from './provider.ts';

/** No message waits longer than it is of use, whatever the provider asks for. */
const retryAfterSecondsMax = 3600;

/** Retry-After (RFC 9110, 10.2.3): seconds, or a date read against the answer's own Date. */
export const retryAfterOf = ({ headers }: SmsHttpAnswer): number | undefined => {
  const text = headers['retry-after']?.trim() ?? '';
  const seconds = /^\d{1,9}$/.test(text)
    ? Number(text)
    : (Date.parse(text) - Date.parse(headers['date'] ?? '')) / 1000;
  return Number.isFinite(seconds)
    ? Math.min(Math.max(Math.ceil(seconds), 1), retryAfterSecondsMax)
    : undefined;
};

export const failed = (
  answer: SmsHttpAnswer,
  kind: SmsFailure['kind'],
  code: SmsFailureCode,
  word?: string,
): SmsVerdict => {
  const retryAfterSeconds = kind === 'permanent' ? undefined : retryAfterOf(answer);
  const failure = { kind, code, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  return { kind: 'failed', failure, ...(word !== undefined && { word }) };
};

/**
 * The verdict that the status alone allows. A 5xx other than 503 may come from something between us and a
 * provider that has taken the message: it is `ambiguous`, unless the provider folds repetitions by our key.
 */
export const verdictOfStatus = (
  answer: SmsHttpAnswer,
  foldsRepetitions: boolean,
  word?: string,
): SmsVerdict => {
  const { status } = answer;
  const of = (kind: SmsFailure['kind'], code: SmsFailureCode): SmsVerdict => failed(answer, kind, code, word);
  if (status === 429) return of('transient', 'throttled');
  if (status === 401 || status === 403) return of('misconfigured', 'auth');
  if (status === 402) return of('misconfigured', 'quota');
  // A redirect is not followed: our credentials would go where nobody sent them.
  if (status === 404 || status === 405 || (status >= 300 && status < 400))
    return of('misconfigured', 'settings');
  if (status === 408 || status === 425 || status === 503) return of('transient', 'unavailable');
  if (status >= 500)
    return of(
      foldsRepetitions ? 'transient' : 'ambiguous',
      foldsRepetitions ? 'unavailable' : 'unclear_answer',
    );
  if (status >= 400) return of('permanent', 'message_refused');
  return of('ambiguous', 'unclear_answer');
};

/** A provider's id of a message: what prints, and is short enough for a column. */
export const providerIdPattern = /^[\x21-\x7e]{1,100}$/;
