import type { Provider } from './provider.ts';

/** Writes a line instead of a mail; for development only, and refused in production. */
export const log: Provider = {
  name: 'log',
  carriesMail: 'log',
  capabilities: { idempotencyKey: false, lookup: false, customId: false },
  metadataHeaders: () => ({}),
};
