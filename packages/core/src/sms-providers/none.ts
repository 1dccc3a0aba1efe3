import type { SmsProvider } from './provider.ts';

/** Makes codes and sends nothing. */
export const none: SmsProvider = {
  name: 'none',
  carriesSms: 'none',
  capabilities: { idempotencyKey: false, lookup: false, customId: false },
};
