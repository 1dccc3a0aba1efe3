import type { Provider } from './provider.ts';

/** E-mail is switched off: tokens are made and stored, nothing is sent, an operator verifies by hand. */
export const none: Provider = {
  name: 'none',
  carriesMail: 'none',
  capabilities: { idempotencyKey: false, lookup: false, customId: false },
  metadataHeaders: () => ({}),
};
