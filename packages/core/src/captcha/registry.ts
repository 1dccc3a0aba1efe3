import type { SiteverifyProvider } from './captcha.ts';
import { hcaptcha } from './hcaptcha.ts';
import { recaptcha } from './recaptcha.ts';
import { turnstile } from './turnstile.ts';

/** Providers that are asked over the network; ALTCHA is checked by ourselves. */
export const siteverifyProviders = {
  turnstile,
  hcaptcha,
  recaptcha,
} as const satisfies Record<string, SiteverifyProvider>;

export const captchaProviderNames = ['none', 'altcha', 'turnstile', 'hcaptcha', 'recaptcha'] as const;

export type CaptchaProviderName = (typeof captchaProviderNames)[number];
