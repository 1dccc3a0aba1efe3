import { providerApiSettings, providerServerSettings } from './provider-settings.ts';
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
  DATABASE_POOLER: sharedSettings.DATABASE_POOLER,
  ...providerApiSettings,
  ...providerServerSettings,
} as const;

type Known = ConfigOf<typeof doctorSettings>;
/** What only a worker has, and its environment alone tells. */
type OfWorker = keyof typeof providerServerSettings;

export type DoctorConfig = Omit<Known, OfWorker> & Partial<Pick<Known, OfWorker>>;
