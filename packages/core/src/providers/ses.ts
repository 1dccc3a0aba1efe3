import type { HeaderOptions, Provider } from './provider.ts';
import { parseSesEvents } from './ses-events.ts';
import { verifySns } from './sns-signature.ts';

/**
 * Amazon SES, handed to over its SMTP interface and heard through an SNS topic. Header names: "Sending email
 * with event publishing" in its developer guide. Clicks and opens are tracked only where a configuration
 * set or the Virtual Deliverability Manager does it; `ses:no-track` keeps our links out of either.
 */
export const ses = {
  name: 'ses',
  carriesMail: 'smtp',
  smtpServer: { host: 'email-smtp.{region}.amazonaws.com', port: 587 },
  // GetMessageInsights wants AWS Signature Version 4 with keys of IAM, which SMTP credentials are not, and knows
  // only what the Virtual Deliverability Manager was paid to watch.
  capabilities: { idempotencyKey: false, lookup: false, customId: true },
  metadataHeaders: (messageId: string, { configurationSet }: HeaderOptions) => ({
    'X-SES-MESSAGE-TAGS': `mid=${messageId}`,
    ...(configurationSet !== undefined && { 'X-SES-CONFIGURATION-SET': configurationSet }),
  }),
  untrackedLink: 'ses:no-track',
  webhook: { path: '/v1/ses/webhook', verify: verifySns, parse: parseSesEvents },
} as const satisfies Provider;
