import { newestOnly } from '../live-tokens.ts';
import { onlyWhilePending, type Purpose, priorities } from './purpose.ts';

/** Lets somebody in whom an administrator named. Setting a password with it proves the address. */
export const invitation: Purpose = {
  name: 'invitation',
  channel: 'email',
  credential: 'link_and_code',
  // Seed 000: "typically expire after 7 days".
  lifetime: { linkSeconds: 7 * 86_400, codeSeconds: 3600 },
  liveTokens: newestOnly,
  askedBy: 'administrator',
  sendWithinSeconds: 86_400,
  priority: priorities.later,
  opensSession: true,
  ineligible: onlyWhilePending,
};
