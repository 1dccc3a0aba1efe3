import { newestOnly } from '../live-tokens.ts';
import { type Purpose, unlessSuspended, priorities } from './purpose.ts';

/** Moves an account to a new phone number, or gives it its first. The new number proves itself. */
export const phoneChange: Purpose = {
  name: 'phone_change',
  channel: 'sms',
  credential: 'code',
  lifetime: { linkSeconds: 600, codeSeconds: 600 },
  liveTokens: newestOnly,
  askedBy: 'account',
  sendWithinSeconds: 600,
  priority: priorities.urgent,
  opensSession: false,
  ineligible: unlessSuspended,
};
