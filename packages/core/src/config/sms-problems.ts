import { smsProviders } from '../sms-providers/registry.ts';
import { priceOf } from '../sms-policy.ts';
import { Secret } from '../secret.ts';
import type { SmsProvider, SmsSettings } from '../sms-providers/provider.ts';
import type { ApiConfig, WorkerConfig } from './config.ts';

/** What a provider needs to be reached. Of two auth tokens the first one is ours to use. */
export const smsSettingsOf = (config: WorkerConfig): SmsSettings => {
  const isTwilio = config.SMS_PROVIDER === 'twilio';
  const token = config.TWILIO_AUTH_TOKEN?.reveal().split(',')[0]?.trim() ?? '';
  const ownSecret = token === '' ? undefined : new Secret(token);
  return {
    apiUrl: isTwilio ? config.TWILIO_API_URL.replace(/\/+$/, '') : (config.SMS_HTTP_URL?.reveal() ?? ''),
    accountId: config.TWILIO_ACCOUNT_SID,
    secret: isTwilio ? ownSecret : config.SMS_HTTP_TOKEN,
    from: config.SMS_FROM,
    publicUrl: config.PUBLIC_URL,
  };
};

/** Rules between SMS settings, for both processes. */
export const sharedSmsProblems = (config: ApiConfig | WorkerConfig): string[] => {
  if (config.NODE_ENV !== 'production') return [];
  return [
    ...(config.SMS_PROVIDER === 'log'
      ? ['SMS_PROVIDER must not be log in production: no SMS would leave']
      : []),
    ...(config.SMS_COUNTRIES.kind === 'any'
      ? ['SMS_COUNTRIES must not be * in production: whoever owns an expensive number would be paid']
      : []),
  ];
};

/** Rules between SMS settings of the worker. */
export const workerSmsProblems = (config: WorkerConfig): string[] => {
  const { http }: SmsProvider = smsProviders[config.SMS_PROVIDER];
  if (http === undefined) return [];
  const settings = smsSettingsOf(config);
  const problems = [...http.problems(settings)];
  if (config.NODE_ENV === 'production' && !settings.apiUrl.startsWith('https:') && settings.apiUrl !== '')
    problems.push(
      `${config.SMS_PROVIDER === 'twilio' ? 'TWILIO_API_URL' : 'SMS_HTTP_URL'} must start with https:// in production: codes would travel in clear`,
    );
  const { SMS_COUNTRIES: countries, SMS_PRICES: prices } = config;
  const unpriced =
    countries.kind === 'any'
      ? prices.otherwise === undefined
        ? ['default']
        : []
      : [...countries.countries].filter((country) => priceOf(prices, country) === undefined);
  if (unpriced.length > 0)
    problems.push(`SMS_PRICES must hold a price for ${unpriced.join(', ')}: a budget in money needs one`);
  return problems;
};
