import { brevo } from './brevo.ts';
import { log } from './log.ts';
import { mailgun } from './mailgun.ts';
import { none } from './none.ts';
import { postmark } from './postmark.ts';
import type { Provider, ProviderWebhook } from './provider.ts';
import { resend } from './resend.ts';
import { sendgrid } from './sendgrid.ts';
import { ses } from './ses.ts';
import { smtp } from './smtp.ts';

/** Every provider that EMAIL_PROVIDER can name. Adding one: a file beside `smtp.ts`, a line here, fixtures. */
export const providers = {
  smtp,
  mailgun,
  ses,
  sendgrid,
  postmark,
  resend,
  brevo,
  log,
  none,
} as const satisfies Record<string, Provider>;

export type ProviderName = keyof typeof providers;

/** Those that report to a webhook of ours. */
export type ReportingProviderName = {
  readonly [N in ProviderName]: (typeof providers)[N] extends { readonly webhook: ProviderWebhook }
    ? N
    : never;
}[ProviderName];

export const providerNames = Object.keys(providers) as readonly ProviderName[];

/** The provider, or undefined for a row that a newer version of the service wrote. */
export const findProvider = (name: string): Provider | undefined =>
  Object.hasOwn(providers, name) ? providers[name as ProviderName] : undefined;
