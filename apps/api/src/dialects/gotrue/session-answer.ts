import type { AccountProfile } from '@reconfirm/db/account-profile';
import type { IssuedSession } from '../../sessions/sessions.ts';
import { userNotFound } from './answers.ts';
import type { GotrueDependencies } from './dependencies.ts';
import type { SessionAnswer } from './schemas.ts';
import { userOf } from './user.ts';

type Deps = Pick<GotrueDependencies, 'findProfile' | 'sessions'>;

const sessionOf = (session: IssuedSession, profile: AccountProfile): SessionAnswer => ({
  access_token: session.accessToken.reveal(),
  token_type: 'bearer',
  expires_in: session.expiresInSeconds,
  expires_at: Math.floor(session.expiresAt.getTime() / 1000),
  refresh_token: session.refreshToken.reveal(),
  user: userOf(profile),
});

const findNeeded = async (deps: Deps, accountId: string): Promise<AccountProfile> => {
  const profile = await deps.findProfile(accountId);
  if (profile === undefined) throw userNotFound();
  return profile;
};

/** A session that was opened or refreshed, with its user. */
export const answerSession = async (
  deps: Deps,
  accountId: string,
  session: IssuedSession,
): Promise<SessionAnswer> => sessionOf(session, await findNeeded(deps, accountId));

/** Lets somebody in who has just proved to be the account. */
export const openSession = async (deps: Deps, accountId: string): Promise<SessionAnswer> => {
  const { id, organizationId, isAdmin, email, phone } = await findNeeded(deps, accountId);
  const session = await deps.sessions.open({ id, organizationId, isAdmin, email, phone });
  return answerSession(deps, accountId, session);
};
