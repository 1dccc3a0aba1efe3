import {
  configFor,
  organizationSettings,
  readOrganizationValues,
} from '@reconfirm/core/config/organization-settings';
import { type ConfigOf, readSettings } from '@reconfirm/core/config/setting';
import { workerSettings } from '@reconfirm/core/config/worker-settings';
import type { Environment } from '@reconfirm/core/config/config';
import { openDatabase } from '@reconfirm/db/database';
import { listOrganizations } from '@reconfirm/db/organizations';

/** What the look of a message depends on; nothing that a preview needs is secret. */
const settings = {
  PUBLIC_URL: workerSettings.PUBLIC_URL,
  MAIL_FROM: workerSettings.MAIL_FROM,
  MAIL_REPLY_TO: workerSettings.MAIL_REPLY_TO,
  REDIRECT_ORIGINS: workerSettings.REDIRECT_ORIGINS,
  BRAND_NAME: workerSettings.BRAND_NAME,
  BRAND_LOGO_URL: workerSettings.BRAND_LOGO_URL,
  BRAND_LOGO_DARK_URL: workerSettings.BRAND_LOGO_DARK_URL,
  BRAND_BUTTON_COLOR: workerSettings.BRAND_BUTTON_COLOR,
  BRAND_BUTTON_TEXT_COLOR: workerSettings.BRAND_BUTTON_TEXT_COLOR,
  SUPPORT_URL: workerSettings.SUPPORT_URL,
  DEFAULT_LOCALE: workerSettings.DEFAULT_LOCALE,
  VERIFICATION_TOKEN_TTL_HOURS: workerSettings.VERIFICATION_TOKEN_TTL_HOURS,
  PURPOSE_LIFETIMES: workerSettings.PURPOSE_LIFETIMES,
  PURPOSE_LIVE_TOKENS: workerSettings.PURPOSE_LIVE_TOKENS,
  PURPOSE_SEND_WITHIN: workerSettings.PURPOSE_SEND_WITHIN,
} as const;

export type PreviewConfig = ConfigOf<typeof settings>;

/** For whoever has set nothing yet. */
const examples: Environment = {
  PUBLIC_URL: 'https://verify.example.com',
  MAIL_FROM: 'Reconfirm <no-reply@mail.example.com>',
};

type Read = { readonly config: PreviewConfig } | { readonly problems: readonly string[] };

/** The settings of the environment, with examples for those that every installation must set. */
export const readPreviewConfig = (environment: Environment): Read => {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  return readSettings(settings, { ...examples, ...Object.fromEntries(given) });
};

/** The same as an organization has set it, found by id or slug in the database at DATABASE_URL. */
export const readOrganizationPreviewConfig = async (
  config: PreviewConfig,
  wanted: string,
  databaseUrl: string | undefined,
): Promise<Read> => {
  if (databaseUrl === undefined || !URL.canParse(databaseUrl))
    return { problems: ['DATABASE_URL is required with --organization'] };
  const db = openDatabase({
    url: databaseUrl,
    poolMax: 1,
    timeoutMs: 10_000,
    applicationName: 'reconfirm-preview',
    onIdleError: () => {},
  });
  try {
    const organizations = await listOrganizations(db);
    const found = organizations.find(({ id, slug }) => id === wanted || slug === wanted);
    if (found === undefined) return { problems: [`--organization ${wanted}: there is none`] };
    // What only the API reads is left aside.
    const read = readOrganizationValues(
      Object.fromEntries(Object.entries(found.settings).filter(([name]) => name in organizationSettings)),
    );
    return 'problems' in read ? read : { config: configFor(config, read.overrides) };
  } finally {
    await db.destroy();
  }
};
