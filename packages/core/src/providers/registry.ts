import { log } from './log.ts';
import { mailgun } from './mailgun.ts';
import { none } from './none.ts';
import type { Provider } from './provider.ts';
import { smtp } from './smtp.ts';

/** Every provider that EMAIL_PROVIDER can name. Adding one: a file beside `smtp.ts`, a line here, fixtures. */
export const providers = { smtp, mailgun, log, none } as const satisfies Record<string, Provider>;

export type ProviderName = keyof typeof providers;

export const providerNames = Object.keys(providers) as readonly ProviderName[];

/** The provider, or undefined for a row that a newer version of the service wrote. */
export const findProvider = (name: string): Provider | undefined =>
  Object.hasOwn(providers, name) ? providers[name as ProviderName] : undefined;
