import { newestOnly } from '../live-tokens.ts';
import { onlyWhilePending, type Purpose, priorities } from './purpose.ts';

/** Proves the address of a new account. Confirming marks it verified and opens no session. */
export const signup: Purpose = {
  name: 'signup',
  channel: 'email',
  credential: 'link_and_code',
  // ASVS 5.0, 6.5.5 allows a day where a code only confirms an address; typed by hand it needs minutes.
  lifetime: { linkSeconds: 86_400, codeSeconds: 3600 },
  liveTokens: newestOnly,
  askedBy: 'anybody',
  // A mail that could not leave for a day helps nobody any more.
  sendWithinSeconds: 86_400,
  priority: priorities.soon,
  opensSession: false,
  ineligible: onlyWhilePending,
};
