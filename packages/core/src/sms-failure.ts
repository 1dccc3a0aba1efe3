import type { SmtpFailureKind } from './smtp-reply.ts';

/** Why an SMS was not taken, in the words that operators filter by, and what each means, as a clause. */
export const smsFailureClauses = {
  dns: 'the name of the SMS provider could not be found',
  connect: 'the SMS provider could not be reached',
  tls: 'no encrypted connection to the SMS provider could be made',
  auth: 'the SMS provider refused our credentials',
  quota: 'our account at the SMS provider has no money or allowance left',
  settings: 'the SMS provider does not know our account, or our settings for it are wrong',
  sender_refused: 'the SMS provider refused our sender',
  number_invalid: 'the SMS provider says that there is no such number',
  number_not_mobile: 'the number cannot receive SMS (a landline, or a carrier that does not take them)',
  number_unreachable: 'the phone could not be reached: off, out of coverage or out of service',
  number_unknown: 'the network does not know the number: it may be out of service',
  opted_out: 'the recipient has answered STOP, so the provider carries nothing to the number',
  country_not_permitted: 'our account at the SMS provider may not send to that country',
  route_missing: 'the SMS provider cannot send from our sender to that number',
  filtered: 'a carrier or the SMS provider filtered it as unwanted',
  message_refused: 'the SMS provider refused the message',
  throttled: 'the SMS provider found us too fast',
  unavailable: 'the SMS provider could not take it at the moment',
  timeout: 'the SMS provider did not answer in time; it may have taken the message',
  connection_lost: 'the connection to the SMS provider broke; it may have taken the message',
  unclear_answer: 'the SMS provider gave an answer that does not say whether it took the message',
  aborted: 'the hand-over was ended by our own stop',
  unknown: 'it failed in a way the SMS provider has no word for',
} as const;

export type SmsFailureCode = keyof typeof smsFailureClauses;

/** After these the number takes nothing until it is another person's, or another kind of line: a hard bounce. */
export const endsNumber: ReadonlySet<SmsFailureCode> = new Set([
  'number_invalid',
  'number_not_mobile',
  'number_unknown',
]);

/**
 * The verdict on one SMS that was not certainly taken, by the classes of mail: `permanent`, this number never
 * takes it; `transient`, the next attempt; `ambiguous`, it may have been taken; `misconfigured`, an operator.
 */
export interface SmsFailure {
  readonly kind: SmtpFailureKind;
  readonly code: SmsFailureCode;
  readonly retryAfterSeconds?: number;
}
