import { genericHttp } from './generic-http.ts';
import { log } from './log.ts';
import { none } from './none.ts';
import type { SmsProvider } from './provider.ts';
import { twilio } from './twilio.ts';

/** Every provider that SMS_PROVIDER can name. Adding one: a file beside `twilio.ts`, a line here, fixtures. */
export const smsProviders = { twilio, http: genericHttp, log, none } as const satisfies Record<
  string,
  SmsProvider
>;

export type SmsProviderName = keyof typeof smsProviders;

export const smsProviderNames = Object.keys(smsProviders) as readonly SmsProviderName[];
