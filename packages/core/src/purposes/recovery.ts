import { newestOnly } from '../live-tokens.ts';
import { type Purpose, unlessSuspended, priorities } from './purpose.ts';

/** Lets somebody back in who has forgotten the password. Whoever reads the mail has the mailbox, so it proves it too. */
export const recovery: Purpose = {
  name: 'recovery',
  channel: 'email',
  credential: 'link_and_code',
  // A code that authenticates lives ten minutes at most (ASVS 5.0, 6.5.5).
  lifetime: { linkSeconds: 1800, codeSeconds: 600 },
  liveTokens: newestOnly,
  askedBy: 'anybody',
  // The person waits at the screen; an hour later the mail only frightens.
  sendWithinSeconds: 3600,
  priority: priorities.urgent,
  opensSession: true,
  ineligible: unlessSuspended,
};
