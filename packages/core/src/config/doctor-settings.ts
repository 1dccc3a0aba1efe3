import { apiSettings } from './api-settings.ts';
import { senderSettings } from './sender-settings.ts';
import { type ConfigOf, optional } from './setting.ts';
import { sharedSettings } from './shared-settings.ts';

/**
 * Settings of the command that examines the sender. It runs with the environment of the API or of a
 * worker, so none is required: what is not known there is not examined, and the report says so.
 */
export const doctorSettings = {
  EMAIL_PROVIDER: sharedSettings.EMAIL_PROVIDER,
  ...senderSettings,
  PUBLIC_URL: optional(sharedSettings.PUBLIC_URL),
  DATABASE_URL: optional(sharedSettings.DATABASE_URL),
  MAILGUN_WEBHOOK_SIGNING_KEY: apiSettings.MAILGUN_WEBHOOK_SIGNING_KEY,
  MAILGUN_WEBHOOK_MAX_AGE_SECONDS: apiSettings.MAILGUN_WEBHOOK_MAX_AGE_SECONDS,
} as const;

export type DoctorConfig = ConfigOf<typeof doctorSettings>;
