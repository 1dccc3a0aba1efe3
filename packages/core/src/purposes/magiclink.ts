import { newestOnly } from '../live-tokens.ts';
import { type Purpose, unlessSuspended, priorities } from './purpose.ts';

/** Signs somebody in without a password. */
export const magiclink: Purpose = {
  name: 'magiclink',
  channel: 'email',
  credential: 'link_and_code',
  // A code that authenticates lives ten minutes at most (ASVS 5.0, 6.5.5).
  lifetime: { linkSeconds: 1800, codeSeconds: 600 },
  liveTokens: newestOnly,
  askedBy: 'anybody',
  sendWithinSeconds: 3600,
  priority: priorities.urgent,
  opensSession: true,
  ineligible: unlessSuspended,
};
