import { apiSettings } from './api-settings.ts';
import { type ConfigOf, optional } from './setting.ts';
import { sharedSettings } from './shared-settings.ts';

/** Settings of the commands that ask a running API, with the environment of the API. */
export const operatorSettings = {
  PUBLIC_URL: optional(sharedSettings.PUBLIC_URL),
  ADMIN_KEY: apiSettings.ADMIN_KEY,
} as const;

export type OperatorConfig = ConfigOf<typeof operatorSettings>;
