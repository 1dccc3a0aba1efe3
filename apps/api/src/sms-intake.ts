import type { ApiConfig } from '@reconfirm/core/config/config';
import { judgeSmsNumber } from '@reconfirm/core/sms-policy';
import type { Limiter } from './limiter/limiter.ts';
import type { SmsIntake } from './resend.ts';

/** What a contract needs to take requests for SMS, as the settings want it. */
export const smsIntakeOf = (
  config: Pick<ApiConfig, 'SMS_COUNTRIES' | 'SMS_ALLOW_PREFIXES'>,
  limiter: Limiter,
): SmsIntake => {
  const rules = { countries: config.SMS_COUNTRIES, allowedPrefixes: config.SMS_ALLOW_PREFIXES };
  return {
    limiter,
    refusalOf: ({ address }) => {
      const judged = judgeSmsNumber(address, rules);
      return 'refusal' in judged ? judged.refusal : null;
    },
  };
};
