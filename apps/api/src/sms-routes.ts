import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { genericHttp } from '@reconfirm/core/sms-providers/generic-http';
import { twilio } from '@reconfirm/core/sms-providers/twilio';
import type { Database } from '@reconfirm/db/database';
import { listPauses, releasePause, smsOfLastDay } from '@reconfirm/db/sms-spend';
import { smsAdminRoutes } from './dialects/v1/sms-admin-routes.ts';
import type { ApiMetrics } from './metrics.ts';
import type { ReportIntake } from './report-intake.ts';
import { signingKeysOf, webhookRoute } from './webhooks.ts';

/** How far the time of a signed report may be off (Standard Webhooks recommends five minutes). */
const reportAgeSecondsMax = 300;

/** What SMS add to the API: reports of their providers, and the operator's view and release of pauses. */
export const smsRoutes = (
  config: ApiConfig,
  db: Database,
  reports: ReportIntake,
  metrics: Pick<ApiMetrics, 'webhook'>,
): readonly FastifyPluginAsync[] => {
  const shared = {
    publicUrl: config.PUBLIC_URL,
    store: reports.store,
    counted: metrics.webhook,
  };
  const keys = { twilio: config.TWILIO_AUTH_TOKEN, http: config.SMS_WEBHOOK_SECRET };
  return [
    ...[twilio, genericHttp].map((provider) =>
      webhookRoute({
        ...shared,
        provider,
        settings: {
          signingKeys: signingKeysOf(keys[provider.name]),
          maxAgeSeconds: reportAgeSecondsMax,
          maxFutureSeconds: reportAgeSecondsMax,
          late: 'refuse',
        },
      }),
    ),
    smsAdminRoutes({
      adminKey: config.ADMIN_KEY,
      listPauses: () => listPauses(db),
      lastDay: () => smsOfLastDay(db),
      release: (scope) => releasePause(db, scope),
    }),
  ];
};
