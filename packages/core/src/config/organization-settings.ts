import type { PurposeLimits, RememberSeconds } from '../limits.ts';
import { apiSettings } from './api-settings.ts';
import { type ConfigOf, isProblem, type Settings } from './setting.ts';
import { sharedSettings } from './shared-settings.ts';
import { workerSettings } from './worker-settings.ts';

/**
 * What an organization may set otherwise than the installation: the same names, forms and readers as the
 * environment has. What is not set is the installation's.
 */
export const organizationSettings = {
  BRAND_NAME: sharedSettings.BRAND_NAME,
  BRAND_LOGO_URL: sharedSettings.BRAND_LOGO_URL,
  BRAND_LOGO_DARK_URL: sharedSettings.BRAND_LOGO_DARK_URL,
  BRAND_BUTTON_COLOR: sharedSettings.BRAND_BUTTON_COLOR,
  BRAND_BUTTON_TEXT_COLOR: sharedSettings.BRAND_BUTTON_TEXT_COLOR,
  SUPPORT_URL: sharedSettings.SUPPORT_URL,
  DEFAULT_LOCALE: sharedSettings.DEFAULT_LOCALE,
  REDIRECT_ORIGINS: sharedSettings.REDIRECT_ORIGINS,
  VERIFICATION_TOKEN_TTL_HOURS: sharedSettings.VERIFICATION_TOKEN_TTL_HOURS,
  PURPOSE_LIFETIMES: sharedSettings.PURPOSE_LIFETIMES,
  PURPOSE_LIVE_TOKENS: sharedSettings.PURPOSE_LIVE_TOKENS,
  PURPOSE_SEND_WITHIN: sharedSettings.PURPOSE_SEND_WITHIN,
  NOTICE_ALREADY_VERIFIED: sharedSettings.NOTICE_ALREADY_VERIFIED,
  NOTICE_UNKNOWN_ACCOUNT: sharedSettings.NOTICE_UNKNOWN_ACCOUNT,
  DISPOSABLE_DOMAINS: sharedSettings.DISPOSABLE_DOMAINS,
  DISPOSABLE_ALLOW: sharedSettings.DISPOSABLE_ALLOW,
  RATE_LIMIT_IP: apiSettings.RATE_LIMIT_IP,
  RATE_LIMIT_ADDRESS: apiSettings.RATE_LIMIT_ADDRESS,
  RATE_LIMIT_PHONE: apiSettings.RATE_LIMIT_PHONE,
  PURPOSE_RATE_LIMITS: apiSettings.PURPOSE_RATE_LIMITS,
  DISCLOSURE: apiSettings.DISCLOSURE,
  EMAIL_CHANGE_MODE: apiSettings.EMAIL_CHANGE_MODE,
  ENTRYGUARD_USER_SEATS: apiSettings.ENTRYGUARD_USER_SEATS,
  ENTRYGUARD_SUBSCRIPTION_TIER: apiSettings.ENTRYGUARD_SUBSCRIPTION_TIER,
  MAIL_FROM: workerSettings.MAIL_FROM,
  MAIL_REPLY_TO: workerSettings.MAIL_REPLY_TO,
} as const satisfies Settings;

export type OrganizationSettingName = keyof typeof organizationSettings;

export const organizationSettingNames = Object.keys(
  organizationSettings,
) as readonly OrganizationSettingName[];

/** What one organization sets, as it was written. */
export type OrganizationValues = Readonly<Partial<Record<OrganizationSettingName, string>>>;

export type OrganizationOverrides = Partial<ConfigOf<typeof organizationSettings>>;

const isSettingName = (name: string): name is OrganizationSettingName =>
  Object.hasOwn(organizationSettings, name);

/** Reads what an organization sets; or every problem, each as a sentence that starts with the setting's name. */
export const readOrganizationValues = (
  values: Readonly<Record<string, unknown>>,
): { readonly overrides: OrganizationOverrides } | { readonly problems: readonly string[] } => {
  const overrides: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (!isSettingName(name)) {
      problems.push(`${name} cannot be set for an organization`);
      continue;
    }
    const read =
      typeof value === 'string' ? organizationSettings[name].read(value) : { problem: 'must be text' };
    if (isProblem(read)) problems.push(`${name} ${read.problem}`);
    else overrides[name] = read;
  }
  return problems.length > 0 ? { problems } : { overrides };
};

/** The installation's configuration as one organization has it. */
export const configFor = <C extends object>(config: C, overrides: OrganizationOverrides): C => ({
  ...config,
  ...Object.fromEntries(Object.entries(overrides).filter(([name]) => name in config)),
});

/** A rule between an organization's settings and the installation's; a sentence, or null where it holds. */
export const organizationProblems = (
  overrides: OrganizationOverrides,
  installation: {
    readonly production: boolean;
    readonly rememberSeconds: RememberSeconds;
  },
): readonly string[] => {
  const problems: string[] = [];
  const longest = (limits: OrganizationOverrides['RATE_LIMIT_IP']): number =>
    Math.max(0, ...(limits ?? []).map(({ windowSeconds }) => windowSeconds));
  const tooLong = (name: string, seconds: number): string =>
    `${name} must not look back further than the installation remembers requests, ${seconds} seconds (RATE_LIMIT_MEMORY_SECONDS)`;
  const purposes = overrides.PURPOSE_RATE_LIMITS ?? new Map<string, PurposeLimits>();
  const { ip, email, phone } = installation.rememberSeconds;
  if (longest(overrides.RATE_LIMIT_IP) > ip) problems.push(tooLong('RATE_LIMIT_IP', ip));
  if (longest(overrides.RATE_LIMIT_ADDRESS) > email) problems.push(tooLong('RATE_LIMIT_ADDRESS', email));
  if (longest(overrides.RATE_LIMIT_PHONE) > phone) problems.push(tooLong('RATE_LIMIT_PHONE', phone));
  for (const [name, { channel, limits }] of purposes) {
    const remembered = channel === 'sms' ? phone : email;
    if (longest(limits) > remembered) problems.push(tooLong(`PURPOSE_RATE_LIMITS ${name}`, remembered));
  }
  if (installation.production && overrides.REDIRECT_ORIGINS?.kind === 'any')
    problems.push(
      'REDIRECT_ORIGINS must not be * in production: anybody could send a token to a site of theirs',
    );
  return problems;
};
