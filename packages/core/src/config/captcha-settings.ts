import { captchaProviderNames } from '../captcha/registry.ts';
import { isLoopbackHost } from '../redirect.ts';
import { choice, type ConfigOf, custom, optional, secret, text } from './setting.ts';
import type { sharedSettings } from './shared-settings.ts';

const hostnameList = (value: string): readonly string[] | { readonly problem: string } => {
  const names = value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name));
  return wrong === undefined
    ? names
    : { problem: `must list hostnames without scheme and port; ${wrong} is none` };
};

/** Settings of the captcha; the API alone reads them. */
export const captchaSettings = {
  CAPTCHA_PROVIDER: choice({
    values: captchaProviderNames,
    fallback: 'none',
    describe:
      'Who tells people from machines. altcha is a proof of work that this service sets and checks itself: no third party, no account, never away.',
  }),
  CAPTCHA_SECRET: optional(
    secret(
      text({
        form: 'the secret from the provider; with altcha at least 32 random characters of your own',
        describe: 'Required with every CAPTCHA_PROVIDER but none.',
      }),
    ),
  ),
  CAPTCHA_SITE_KEY: optional(
    text({
      form: 'the public key from the provider',
      describe: 'Told to pages by GET /v1/captcha; hCaptcha also checks that the answer was made with it.',
    }),
  ),
  CAPTCHA_WHEN: choice({
    values: ['ip_full', 'always'],
    fallback: 'ip_full',
    describe:
      'ip_full: a client whose limit (RATE_LIMIT_IP) is used up is asked for a captcha instead of being refused, so that an office behind one address is not locked out. always: every registration and resend needs one, and the limit of the client holds besides.',
  }),
  CAPTCHA_HOSTNAMES: custom(
    {
      form: 'app.example.com,www.example.com',
      fallback: '',
      describe:
        'Hosts of the pages that show the widget; an answer that was made elsewhere fails. Empty: the hosts of PUBLIC_URL and REDIRECT_ORIGINS.',
    },
    hostnameList,
  ),
  CAPTCHA_MIN_SCORE: custom(
    { form: '0 to 1', fallback: '0.5', describe: 'Least score of reCAPTCHA v3 that passes.' },
    (value) => {
      const score = Number(value);
      return /^(0(\.\d{1,3})?|1(\.0{1,3})?)$/.test(value)
        ? score
        : { problem: 'must be a number from 0 to 1' };
    },
  ),
  CAPTCHA_ON_OUTAGE: choice({
    values: ['open', 'closed'],
    fallback: 'open',
    describe:
      'When the provider does not answer within 3 s: let requests for mail go on under the limits alone, or refuse them with 503. Requests for an SMS are always refused.',
  }),
  CAPTCHA_VERIFY_URL: optional(
    custom(
      {
        form: 'https://www.recaptcha.net/recaptcha/api/siteverify',
        describe:
          "Where answers are checked, instead of the provider's own address: a mirror, or a compatible server. https; http to this machine outside production only.",
      },
      (value) =>
        URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
          ? value
          : { problem: 'must be a URL that starts with https://' },
    ),
  ),
} as const;

export type CaptchaConfig = ConfigOf<typeof captchaSettings> &
  Pick<ConfigOf<typeof sharedSettings>, 'NODE_ENV' | 'PUBLIC_URL' | 'REDIRECT_ORIGINS'>;

/** A secret of our own choice must be one that nobody finds by trying. */
const altchaSecretSizeMin = 32;

/** Rules between the settings of the captcha. */
export const captchaProblems = (config: CaptchaConfig): string[] => {
  const provider = config.CAPTCHA_PROVIDER;
  if (provider === 'none') return [];
  const problems: string[] = [];
  const given = config.CAPTCHA_SECRET?.reveal();
  if (given === undefined) problems.push(`CAPTCHA_SECRET is required with CAPTCHA_PROVIDER=${provider}`);
  else if (provider === 'altcha' && given.length < altchaSecretSizeMin)
    problems.push(`CAPTCHA_SECRET must have at least ${altchaSecretSizeMin} characters with altcha`);
  const verifyUrl = config.CAPTCHA_VERIFY_URL;
  const isClear = verifyUrl?.startsWith('https:') === false;
  const isLoopback = verifyUrl !== undefined && isLoopbackHost(new URL(verifyUrl).hostname);
  if (isClear && (config.NODE_ENV === 'production' || !isLoopback))
    problems.push('CAPTCHA_VERIFY_URL must be https: the secret travels with every question');
  return problems;
};

/** Hosts that a captcha may have been solved on, when CAPTCHA_HOSTNAMES names none. */
export const captchaHostnamesOf = (
  config: Pick<CaptchaConfig, 'CAPTCHA_HOSTNAMES' | 'PUBLIC_URL' | 'REDIRECT_ORIGINS'>,
): readonly string[] => {
  if (config.CAPTCHA_HOSTNAMES.length > 0) return config.CAPTCHA_HOSTNAMES;
  const { REDIRECT_ORIGINS: redirects } = config;
  const origins = redirects.kind === 'any' ? [] : [...redirects.origins];
  return [config.PUBLIC_URL, ...origins].map((origin) => new URL(origin).hostname);
};
