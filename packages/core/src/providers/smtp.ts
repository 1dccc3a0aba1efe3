import type { Provider } from './provider.ts';

/**
 * Any SMTP server. It has no webhook: after the hand-over it is heard of by the mails that come back to
 * BOUNCE_DOMAIN (`reports/`), and without that SENT is the last that is known of a message.
 */
export const smtp: Provider = {
  name: 'smtp',
  carriesMail: 'smtp',
  capabilities: { idempotencyKey: false, lookup: false, customId: false },
  metadataHeaders: () => ({}),
};
