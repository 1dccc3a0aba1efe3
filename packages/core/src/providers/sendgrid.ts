import type { Provider } from './provider.ts';
import { parseSendgridEvents } from './sendgrid-events.ts';
import { sendgridLookUp } from './sendgrid-look-up.ts';
import { verifySendgridWebhook } from './sendgrid-signature.ts';

const off = { settings: { enable: 0 } };

/**
 * SendGrid, handed to over SMTP with its X-SMTPAPI header ("SMTP API" in its documentation) and heard
 * through its signed event webhook. Its arguments are stored for long and read by staff: ours is an id.
 */
export const sendgrid = {
  name: 'sendgrid',
  carriesMail: 'smtp',
  smtpServer: { host: 'smtp.sendgrid.net', port: 587, user: 'apikey' },
  capabilities: { idempotencyKey: false, lookup: true, customId: true },
  // Each filter is named: one that is not keeps the account's setting.
  metadataHeaders: (messageId: string) => ({
    'X-SMTPAPI': JSON.stringify({
      unique_args: { mid: messageId },
      filters: { clicktrack: off, opentrack: off, subscriptiontrack: off, ganalytics: off, footer: off },
    }),
  }),
  untrackedLink: 'clicktracking="off"',
  webhook: {
    path: '/v1/sendgrid/webhook',
    // Batches go up to 768 KB.
    bodySizeBytesMax: 1024 * 1024,
    verify: verifySendgridWebhook,
    parse: parseSendgridEvents,
  },
  lookUp: sendgridLookUp,
} as const satisfies Provider;
