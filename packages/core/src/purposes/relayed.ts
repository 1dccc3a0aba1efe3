import { newestOnly } from '../live-tokens.ts';
import { priorities, type Purpose } from './purpose.ts';

/**
 * A message of another authentication system, which made its link and code itself and keeps the account:
 * here it is only sent and followed. Who it goes to and what it says is sealed in its row.
 */
export const relayed: Purpose = {
  name: 'relayed',
  channel: 'email',
  credential: 'none',
  lifetime: { linkSeconds: 3600, codeSeconds: 3600 },
  liveTokens: newestOnly,
  askedBy: 'administrator',
  sendWithinSeconds: 3600,
  priority: priorities.urgent,
  opensSession: false,
  ineligible: () => null,
};
