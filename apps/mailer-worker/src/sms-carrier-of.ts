import type { WorkerConfig } from '@reconfirm/core/config/config';
import { microsPerUnit } from '@reconfirm/core/sms-policy';
import { smsProviders } from '@reconfirm/core/sms-providers/registry';
import type { Database } from '@reconfirm/db/database';
import type { Logger } from '@reconfirm/process/logger';
import type { Carrier } from './carrier.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { MailSender } from './mail-senders.ts';
import { availableLocales, type Renderer } from './render.ts';
import { createSmsCarrier } from './sms-carrier.ts';
import { createSmsSpending } from './sms-spending.ts';
import type { SmsTransport } from './transports/transport.ts';

export interface SmsCarrierParts {
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly transport: SmsTransport;
  readonly renderer: Renderer;
  readonly senderOf: (organizationId: string) => MailSender;
}

/** The carrier of SMS as the settings want it. */
export const smsCarrierOf = (
  config: WorkerConfig,
  { db, log, metrics, transport, renderer, senderOf }: SmsCarrierParts,
): Carrier =>
  createSmsCarrier({
    renderer,
    transport,
    provider: smsProviders[config.SMS_PROVIDER],
    spending: createSmsSpending({
      db,
      budgets: {
        prefixPerHour: config.SMS_BUDGET_PREFIX,
        country: config.SMS_BUDGET_COUNTRY,
        organization: config.SMS_BUDGET_ORGANIZATION,
        global: config.SMS_BUDGET_GLOBAL,
      },
      circuit: {
        pauseBelowPercent: config.SMS_PAUSE_BELOW_PERCENT,
        sendsMin: config.SMS_PAUSE_AFTER_SENDS,
      },
      log,
      refused: metrics.smsRefused,
    }),
    rules: { countries: config.SMS_COUNTRIES, allowedPrefixes: config.SMS_ALLOW_PREFIXES },
    prices: config.SMS_PRICES,
    publicUrl: config.PUBLIC_URL,
    production: config.NODE_ENV === 'production',
    supportedLocales: availableLocales,
    senderOf,
    spent: (country, costMicros) => metrics.smsSpent(country, costMicros / microsPerUnit),
    refused: metrics.smsRefused,
  });
