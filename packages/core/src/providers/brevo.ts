import { customPrefix, parseBrevoEvents } from './brevo-events.ts';
import { brevoLookUp } from './brevo-look-up.ts';
import type { Provider } from './provider.ts';
import { verifySharedSecret } from './shared-secret.ts';

/**
 * Brevo, handed to over SMTP and heard through its webhooks, which it does not sign. Its idempotency
 * key is documented for the HTTP API only, and tracking is a setting of the account: no header switches
 * it off for one mail.
 */
export const brevo = {
  name: 'brevo',
  carriesMail: 'smtp',
  smtpServer: { host: 'smtp-relay.brevo.com', port: 587 },
  capabilities: { idempotencyKey: false, lookup: true, customId: true },
  metadataHeaders: (messageId: string) => ({ 'X-Mailin-custom': `${customPrefix}${messageId}` }),
  webhook: {
    path: '/v1/brevo/webhook',
    // A batch holds up to 500 events of about a KiB.
    bodySizeBytesMax: 1024 * 1024,
    verify: verifySharedSecret,
    parse: parseBrevoEvents,
  },
  lookUp: brevoLookUp,
} as const satisfies Provider;
