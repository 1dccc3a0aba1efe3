import type { Provider } from './provider.ts';

/**
 * Any SMTP server. It reports nothing after the hand-over, so SENT is the last that is known of a
 * message. The Message-ID is ours already; there is no header that every server would report back.
 */
export const smtp: Provider = {
  name: 'smtp',
  carriesMail: 'smtp',
  capabilities: { idempotencyKey: false, lookup: false, customId: false },
  metadataHeaders: () => ({}),
};
