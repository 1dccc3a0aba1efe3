import type { ApiConfig } from '@reconfirm/core/config/config';
import { isSmsOff, judgeSmsNumber } from '@reconfirm/core/sms-policy';
import type { Limiter } from './limiter/limiter.ts';
import type { SmsIntake } from './resend.ts';

/** What taking requests for SMS needs, as the settings want it. */
export const smsIntakeOf = (
  config: Pick<ApiConfig, 'SMS_COUNTRIES' | 'SMS_ALLOW_PREFIXES'>,
  limiter: Limiter,
): SmsIntake => {
  const rules = { countries: config.SMS_COUNTRIES, allowedPrefixes: config.SMS_ALLOW_PREFIXES };
  return {
    limiter,
    refusalOf: ({ address }) => {
      if (isSmsOff(rules.countries)) return 'sms_off';
      const judged = judgeSmsNumber(address, rules);
      return 'refusal' in judged ? judged.refusal : null;
    },
  };
};
