import type { FastifyRequest } from 'fastify';
import { type EmailAddress, parseEmailAddress } from '@reconfirm/core/account';
import { canonicalLocale } from '@reconfirm/core/locale';
import type { RedirectRule } from '@reconfirm/core/redirect';
import type { UserDetails } from '@reconfirm/db/users';
import { bearerToken } from '@reconfirm/process/bearer-token';
import { identityOf } from './answers.ts';
import type { SingularityDependencies } from './dependencies.ts';
import { SingularityError } from './errors.ts';

const cookieName = 'access_token';

/** The user of the access token with the address that is looked up, or a 401 or 404. */
export const readUser = async (
  deps: Pick<SingularityDependencies, 'authenticate' | 'findUser' | 'identity' | 'origins'>,
  request: FastifyRequest,
): Promise<{ readonly user: UserDetails; readonly email: EmailAddress }> => {
  const authentication = await deps
    .authenticate(accessTokenOf(request, deps.origins))
    .catch((cause: unknown) => {
      throw new SingularityError('ACCESS_TOKEN_ALLOWLIST_READING_FAILURE', {
        cause,
        headers: { 'retry-after': '2' },
      });
    });
  const { organizationId, accountId } = identityOf(authentication);
  const user = await deps.findUser(organizationId, accountId);
  const email = parseEmailAddress(user?.email ?? '', deps.identity);
  // A user with a phone number only has no address to verify.
  if (user === undefined || email === undefined) throw new SingularityError('USER_NOT_FOUND');
  return { user, email };
};

/**
 * The token of the Authorization header, else of the cookie. A browser sends cookies for foreign pages too,
 * so the cookie counts only without an Origin (RFC 6454, 7), or with one that the operator listed.
 */
const accessTokenOf = (request: FastifyRequest, origins: RedirectRule): string => {
  const { authorization, origin, cookie } = request.headers;
  if (authorization !== undefined) {
    const token = bearerToken(authorization);
    if (token === undefined) throw new SingularityError('ACCESS_TOKEN_INVALID');
    return token;
  }
  const isTrusted = origin === undefined || origins.kind === 'any' || origins.origins.has(origin);
  return isTrusted ? (cookieOf(cookie, cookieName) ?? '') : '';
};

/** RFC 6265, 4.2.1. Of several cookies of one name the first is the most specific. */
const cookieOf = (header: string | undefined, name: string): string | undefined =>
  header
    ?.split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1)
    .replaceAll(/^"|"$/g, '');

/** The canonical tag; null for none and for what is no language tag: the default language serves then. */
export const readLocale = (tag: string | undefined): string | null =>
  tag === undefined ? null : (canonicalLocale(tag) ?? null);

/** The address, or a 400. */
export const readEmail = (
  text: string,
  { identity }: Pick<SingularityDependencies, 'identity'>,
): EmailAddress => {
  const email = parseEmailAddress(text, identity);
  if (email === undefined)
    throw new SingularityError('INVALID_REQUEST', {
      message: 'Not valid: email must be one e-mail address.',
    });
  return email;
};
