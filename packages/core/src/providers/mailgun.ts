import { parseMailgunEvents } from './mailgun-events.ts';
import { mailgunLookUp } from './mailgun-look-up.ts';
import { verifyMailgunWebhook } from './mailgun-signature.ts';
import type { Provider } from './provider.ts';

/**
 * Mailgun, handed to over SMTP and heard through its webhooks. Header names and values: "Passing
 * Sending Options" and "Attaching Metadata to Messages" in Mailgun's user manual.
 */
export const mailgun = {
  name: 'mailgun',
  carriesMail: 'smtp',
  smtpServer: { host: 'smtp.mailgun.org', port: 587 },
  capabilities: { idempotencyKey: false, lookup: true, customId: true },
  // Click tracking would rewrite the link to a foreign host and pass the token through it; the last
  // two are said as well, because they outrank the settings of the sending domain.
  metadataHeaders: (messageId: string) => ({
    'X-Mailgun-Variables': JSON.stringify({ mid: messageId }),
    'X-Mailgun-Track': 'no',
    'X-Mailgun-Track-Clicks': 'no',
    'X-Mailgun-Track-Opens': 'no',
  }),
  untrackedLink: 'disable-tracking="true"',
  // "Webhook Retries": 200 and 406 end them, anything else is sent again for 8 hours.
  webhook: {
    path: '/v1/mailgun/webhook',
    finalRefusalStatus: 406,
    verify: verifyMailgunWebhook,
    parse: parseMailgunEvents,
  },
  lookUp: mailgunLookUp,
} as const satisfies Provider;
