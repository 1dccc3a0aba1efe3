import type { SmsProvider } from './provider.ts';

/** Writes a line instead of an SMS; for development only, and refused in production. */
export const log: SmsProvider = {
  name: 'log',
  carriesSms: 'log',
  capabilities: { idempotencyKey: false, lookup: false, customId: false },
};
