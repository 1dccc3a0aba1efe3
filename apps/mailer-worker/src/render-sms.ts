import { type SmsSegments, smsSegments } from '@reconfirm/core/sms-segments';

export interface RenderedSms extends SmsSegments {
  readonly text: string;
  readonly locale: string;
}

/**
 * The sentence for people, then the line that a phone reads: `@host #code`, by which the code is offered on that
 * host's page only (WICG, Origin-bound one-time codes, 2: the last line, exactly so). No-break spaces become
 * plain ones, because one character outside GSM-7 more than halves what a segment holds.
 */
export const boundSms = (sentence: string, host: string, code: string): string => {
  if (!/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(host)) {
    throw new RangeError('The host of an SMS must be a host name in ASCII, without scheme and port.');
  }
  return `${sentence.replace(/[\u00a0\u202f\s]+/g, ' ').trim()}\n@${host} #${code}`;
};

export const measuredSms = (text: string, locale: string): RenderedSms => ({
  text,
  locale,
  ...smsSegments(text),
});
