import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Secret } from '@reconfirm/core/secret';
import { clientAddressOf } from '../../client-address.ts';
import { bearerToken } from '@reconfirm/process/bearer-token';
import type { Authentication, Identity } from '../../sessions/sessions.ts';
import { refreshError, signInError } from './answers.ts';
import type { GotrueDependencies } from './dependencies.ts';
import { GotrueError, invalid } from './errors.ts';
import { readDestination, textOf } from './read-request.ts';
import * as schemas from './schemas.ts';
import { answerSession, openSession } from './session-answer.ts';

/** The refusal that each way of not being signed in is. */
const authenticationErrors = {
  missing: () => new GotrueError(401, 'no_authorization', 'This endpoint requires a valid Bearer token'),
  malformed: () => new GotrueError(403, 'bad_jwt', 'invalid JWT: unable to parse or verify signature'),
  expired: () => new GotrueError(403, 'bad_jwt', 'invalid JWT: token is expired'),
  ended: () =>
    new GotrueError(403, 'session_not_found', 'Session from session_id claim in JWT does not exist'),
  unknown_account: () => new GotrueError(403, 'user_not_found', 'User from sub claim in JWT does not exist'),
  suspended: () => new GotrueError(403, 'user_banned', 'User is banned'),
} satisfies Record<Exclude<Authentication['kind'], 'authenticated'>, () => GotrueError>;

/** Who shows the access token of this Authorization header, or a refusal. */
export const authenticate = async (
  { sessions }: Pick<GotrueDependencies, 'sessions'>,
  authorization: string | undefined,
): Promise<Identity> => {
  const authentication = await sessions.authenticate(bearerToken(authorization) ?? '');
  if (authentication.kind !== 'authenticated') throw authenticationErrors[authentication.kind]();
  return authentication.identity;
};

/** How each `scope` of a sign-out is meant. */
const logoutScopes = { global: 'all', local: 'this', others: 'others' } as const;

/** Opening, refreshing and ending sessions. */
export const sessionRoutes =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/token',
      {
        schema: {
          summary: 'Get a session',
          description:
            'By password, by the refresh token of an earlier answer (each works once), or by the code of a PKCE flow and its verifier.',
          tags: ['Sessions'],
          querystring: schemas.GrantQuery,
          body: schemas.TokenBody,
          response: { 200: schemas.Session, ...schemas.errors(400, 404, 413, 415, 422, 429, 500, 503) },
        },
      },
      async (request, reply) => {
        const { body } = request;
        reply.header('cache-control', 'no-store');
        switch (textOf(request.query.grant_type)) {
          case 'password':
            return byPassword(clientAddressOf(request), body);
          case 'refresh_token':
            return byRefreshToken(textOf(body.refresh_token));
          case 'pkce':
            return byAuthCode(textOf(body.auth_code), textOf(body.code_verifier));
          default:
            throw invalid('unsupported_grant_type');
        }
      },
    );

    app.post(
      '/logout',
      {
        schema: {
          summary: 'Sign out',
          description:
            'Here, everywhere else, or everywhere. Access tokens of ended sessions are refused at once.',
          tags: ['Sessions'],
          security: [{ accessToken: [] }],
          querystring: schemas.LogoutQuery,
          response: { 204: schemas.Nothing, ...schemas.errors(400, 401, 403, 413, 415, 500, 503) },
        },
      },
      async (request, reply) => {
        const identity = await authenticate(deps, request.headers.authorization);
        const scope = request.query.scope ?? 'global';
        if (!isLogoutScope(scope)) throw invalid('Unsupported logout scope: use global, local or others');
        await deps.sessions.end(identity, logoutScopes[scope]);
        return reply.code(204).send(null);
      },
    );

    const byPassword = async (clientAddress: string, body: PasswordBody) => {
      const destination = readDestination(body, deps.rules, {
        both: 'Only an email address or phone number should be provided on login.',
        none: 'missing email or phone',
      });
      const outcome = await deps.signIn({
        organizationId: deps.organizationId,
        destination,
        password: new Secret(textOf(body.password)),
        clientAddress,
        onlyVerified: true,
      });
      if (outcome.kind !== 'signed_in') throw signInError(outcome, destination.channel);
      return answerSession(deps, outcome.accountId, outcome.session);
    };

    const byRefreshToken = async (refreshToken: string) => {
      if (refreshToken === '') throw invalid('refresh_token required');
      const outcome = await deps.sessions.refresh(refreshToken);
      if (outcome.kind !== 'refreshed') throw refreshError(outcome.kind);
      return answerSession(deps, outcome.accountId, outcome.session);
    };

    const byAuthCode = async (code: string, verifier: string) => {
      if (code === '' || verifier === '')
        throw invalid('invalid request: both auth code and code verifier should be non-empty');
      const outcome = await deps.authCodes.exchange(code, verifier);
      if (outcome.kind !== 'exchanged') throw exchangeErrors[outcome.kind]();
      return openSession(deps, outcome.accountId);
    };
  };

type PasswordBody = {
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly password?: string | null;
};

const isLogoutScope = (scope: string): scope is keyof typeof logoutScopes =>
  Object.hasOwn(logoutScopes, scope);

const exchangeErrors = {
  unknown: () =>
    new GotrueError(404, 'flow_state_not_found', 'invalid flow state, no valid flow state found'),
  expired: () => new GotrueError(422, 'flow_state_expired', 'invalid flow state, flow state has expired'),
  wrong_verifier: () =>
    new GotrueError(400, 'bad_code_verifier', 'code challenge does not match previously saved code verifier'),
} as const;
