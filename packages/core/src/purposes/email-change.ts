import { newestOnly } from '../live-tokens.ts';
import { type Purpose, unlessSuspended, priorities } from './purpose.ts';

/**
 * Moves an account to a new address. One message goes to each side that has to confirm; the account's
 * newest wish ends the one before, so a mistyped address is mended by asking again.
 */
export const emailChange: Purpose = {
  name: 'email_change',
  channel: 'email',
  credential: 'link_and_code',
  lifetime: { linkSeconds: 86_400, codeSeconds: 3600 },
  liveTokens: newestOnly,
  askedBy: 'account',
  sendWithinSeconds: 86_400,
  priority: priorities.urgent,
  opensSession: false,
  ineligible: unlessSuspended,
};
