import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import type { Provider, WebhookSettings } from '@reconfirm/core/providers/provider';
import { providers, type ReportingProviderName } from '@reconfirm/core/providers/registry';
import { apiFailPointsOf } from './fail-points.ts';
import type { ApiMetrics } from './metrics.ts';
import type { ReportIntake } from './report-intake.ts';
import type { WebhookCalls } from './webhook-calls.ts';
import { webhookRoute } from './webhooks.ts';

/** By what each provider's reports are believed. */
const settingsOf = (
  config: ApiConfig,
): Readonly<Record<ReportingProviderName, Partial<WebhookSettings>>> => ({
  mailgun: { signingKeys: config.MAILGUN_WEBHOOK_SIGNING_KEY ?? [] },
  ses: { sns: { topicArns: config.SES_TOPIC_ARNS, allowsSha1: config.SES_SIGNATURE_VERSIONS === '1,2' } },
  sendgrid: { signingKeys: config.SENDGRID_WEBHOOK_PUBLIC_KEY ?? [] },
  postmark: {
    signingKeys: config.POSTMARK_WEBHOOK_SECRET ?? [],
    allowedAddresses: config.POSTMARK_WEBHOOK_ADDRESSES,
  },
  resend: { signingKeys: config.RESEND_WEBHOOK_SECRET ?? [] },
  brevo: { signingKeys: config.BREVO_WEBHOOK_SECRET ?? [], allowedAddresses: config.BREVO_WEBHOOK_ADDRESSES },
});

/**
 * The webhooks of all providers of mail, not only of the one that is used: after a change of providers
 * the former one still reports on what it took. Without its key each refuses everything.
 */
export const mailWebhooks = (
  config: ApiConfig,
  reports: ReportIntake,
  metrics: Pick<ApiMetrics, 'webhook'>,
  calls: WebhookCalls,
): readonly FastifyPluginAsync[] => {
  const own = settingsOf(config);
  const failPoints = apiFailPointsOf(config.FAILPOINT);
  const shared: WebhookSettings = {
    signingKeys: [],
    maxAgeSeconds: config.WEBHOOK_MAX_AGE_SECONDS,
    maxFutureSeconds: config.WEBHOOK_MAX_FUTURE_SECONDS,
    late: config.WEBHOOK_LATE,
  };
  return Object.values<Provider>(providers).flatMap(({ name, webhook }) => {
    if (webhook === undefined) return [];
    return [
      webhookRoute({
        provider: { name, webhook },
        publicUrl: config.PUBLIC_URL,
        settings: { ...shared, ...own[name as ReportingProviderName] },
        calls,
        store: failPoints.store(reports.store),
        counted: metrics.webhook,
      }),
    ];
  });
};
