import { newestOnly } from '../live-tokens.ts';
import { type Purpose, unlessSuspended, priorities } from './purpose.ts';

/** Proves a phone number and signs its owner in: the code of a sign-up or sign-in by SMS. */
export const sms: Purpose = {
  name: 'sms',
  channel: 'sms',
  credential: 'code',
  // Ten minutes at most for a code by phone (NIST SP 800-63B-4, draft; ASVS 5.0, 6.5.5).
  lifetime: { linkSeconds: 600, codeSeconds: 600 },
  liveTokens: newestOnly,
  askedBy: 'anybody',
  // A code that comes after its screen was closed costs money and helps nobody.
  sendWithinSeconds: 600,
  priority: priorities.urgent,
  opensSession: true,
  ineligible: unlessSuspended,
};
