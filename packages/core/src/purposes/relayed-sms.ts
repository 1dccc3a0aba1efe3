import { relayed } from './relayed.ts';
import type { Purpose } from './purpose.ts';

/** The same by SMS: a code that another system made. */
export const relayedSms: Purpose = {
  ...relayed,
  name: 'relayed_sms',
  channel: 'sms',
  sendWithinSeconds: 600,
};
