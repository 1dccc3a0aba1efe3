import { newestOnly } from '../live-tokens.ts';
import { type Purpose, unlessSuspended, priorities } from './purpose.ts';

/**
 * Tells the old address that the account has moved away from it. Its link undoes the change: whoever moved
 * an account without leave has the new mailbox, not the old one.
 */
export const emailChanged: Purpose = {
  name: 'email_changed',
  channel: 'email',
  credential: 'link',
  lifetime: { linkSeconds: 7 * 86_400, codeSeconds: 7 * 86_400 },
  liveTokens: newestOnly,
  askedBy: 'service',
  sendWithinSeconds: 86_400,
  priority: priorities.soon,
  opensSession: false,
  ineligible: unlessSuspended,
};
