import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { setPasswordPath } from '@reconfirm/core/contract';
import type { PasswordPolicy } from '@reconfirm/core/password';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import { Secret } from '@reconfirm/core/secret';
import { hashToken, tokenPattern } from '@reconfirm/core/token';
import type { Presented, TokenFacts } from '@reconfirm/db/token-state';
import { asProblem } from './error-to-problem.ts';
import type { PageLocale } from './language.ts';
import { confirmationPage, problemPage } from './pages/confirmation-page.ts';
import type { DeadState } from './pages/page-strings.ts';
import { passwordPage, passwordSetPage } from './pages/password-page.ts';
import { sendPage } from './send-page.ts';
import { deadOf, type SetPasswordByToken, type SetPasswordByTokenOutcome } from './set-password-by-token.ts';

export interface SetPasswordPageDependencies {
  readonly setPassword: SetPasswordByToken;
  readonly readToken: (presented: Presented) => Promise<TokenFacts>;
  readonly policy: PasswordPolicy;
  /** Null: of a token that is not known. */
  readonly brandOf: (organizationId: string | null) => string;
  readonly negotiate: (acceptLanguage: string | undefined) => PageLocale;
}

type Dead = Exclude<SetPasswordByTokenOutcome, { readonly kind: 'set' | 'weak' }>;

const takenHere = ['invitation', 'recovery'] as const satisfies readonly PurposeName[];

const tokenShape = new RegExp(tokenPattern);

/** A form takes any text: what is no token gets the page that says so. */
const Form = Type.Object({ token: Type.Optional(Type.String()), password: Type.Optional(Type.String()) });
const Query = Type.Object({ token: Type.Optional(Type.String()) });

/**
 * The page of an invitation or a forgotten password. Opening it changes nothing, however often and by
 * whomever; only the form with a password in it does, so a scanner that presses the button does no harm.
 */
export const setPasswordPage =
  (deps: SetPasswordPageDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      (_request, body, done) => {
        done(null, Object.fromEntries(new URLSearchParams(body as string)));
      },
    );
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'cache-control': 'no-store', vary: 'accept-language' });
    });
    app.setErrorHandler<FastifyError>((error, request, reply) => {
      const { statusCode } = asProblem(error);
      if (statusCode >= 500) request.log.error({ err: error }, 'request.failed');
      const frame = frameOf(request, null);
      const problem = statusCode >= 500 ? 'unavailable' : 'malformed';
      return sendPage(reply, statusCode, (nonce) => problemPage({ ...frame, nonce, problem }));
    });

    app.get(setPasswordPath, { schema: { hide: true, querystring: Query } }, async (request, reply) => {
      const token = request.query.token ?? '';
      if (!tokenShape.test(token)) return sendMalformed(request, reply);
      return sendForm(request, reply, token, undefined);
    });

    app.post(setPasswordPath, { schema: { hide: true, body: Form } }, async (request, reply) => {
      const { token = '', password = '' } = request.body;
      if (!tokenShape.test(token)) return sendMalformed(request, reply);
      const outcome = await deps.setPassword({
        token: new Secret(token),
        password: new Secret(password),
        purposes: takenHere,
        policy: deps.policy,
      });
      request.log.info({ outcome: outcome.kind }, 'token.presented');
      if (outcome.kind === 'set') {
        const frame = frameOf(request, outcome.token.organizationId);
        return sendPage(reply, 200, (nonce) => passwordSetPage({ ...frame, nonce }));
      }
      if (outcome.kind !== 'weak') return sendDead(request, reply, outcome, token);
      const problem = outcome.problems.includes('too_short') ? 'too_short' : 'too_common';
      return sendForm(request, reply, token, problem);
    });

    const frameOf = (request: FastifyRequest, organizationId: string | null) => ({
      brand: deps.brandOf(organizationId),
      locale: deps.negotiate(request.headers['accept-language']),
    });

    const sendMalformed = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
      sendPage(reply, 400, (nonce) => problemPage({ ...frameOf(request, null), nonce }));

    const sendDead = (
      request: FastifyRequest,
      reply: FastifyReply,
      dead: Dead,
      token: string,
    ): FastifyReply =>
      sendPage(reply, 400, (nonce) =>
        confirmationPage({
          ...frameOf(request, null),
          nonce,
          token,
          state: shownStates[dead.kind],
          email: null,
        }),
      );

    const sendForm = async (
      request: FastifyRequest,
      reply: FastifyReply,
      token: string,
      problem: 'too_short' | 'too_common' | undefined,
    ): Promise<FastifyReply> => {
      const facts = await deps.readToken({ by: 'link', tokenHash: hashToken(token) });
      const dead = deadOf(facts, takenHere);
      if (dead !== null || facts.state === 'unknown')
        return sendDead(request, reply, dead ?? { kind: 'unknown' }, token);
      return sendPage(reply, problem === undefined ? 200 : 400, (nonce) =>
        passwordPage({
          ...frameOf(request, facts.organizationId),
          nonce,
          token,
          action: setPasswordPath,
          purpose: facts.purpose === 'recovery' ? 'recovery' : 'invitation',
          email: facts.email,
          minChars: deps.policy.sizeMin,
          ...(problem === undefined ? {} : { problem }),
        }),
      );
    };
  };

const shownStates = {
  expired: 'expired',
  used: 'consumed',
  superseded: 'superseded',
  // There is no newer mail to look for.
  revoked: 'unknown',
  suspended: 'suspended',
  unknown: 'unknown',
} as const satisfies Record<Dead['kind'], DeadState>;
