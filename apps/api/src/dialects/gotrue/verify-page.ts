import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { hashToken, tokenPattern } from '@reconfirm/core/token';
import type { KnownToken } from '@reconfirm/db/token-state';
import { findPurpose, type PurposeName } from '@reconfirm/core/purposes/registry';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { readBrowser } from '../../browser-binding.ts';
import type { PressOutcome } from '../../confirm-on-page.ts';
import { outcomeOf } from '../../confirm.ts';
import { codeEntryPage } from '../../pages/code-entry-page.ts';
import { confirmationPage, confirmedPage, problemPage } from '../../pages/confirmation-page.ts';
import type { LivePurpose } from '../../pages/page-strings.ts';
import { sendPage } from '../../send-page.ts';
import {
  type CallbackError,
  codeCallback,
  errorCallback,
  halfConfirmed,
  linkTypeOf,
  messageCallback,
  sessionCallback,
} from './callback.ts';
import type { GotrueDependencies } from './dependencies.ts';
import { answerError, type GotrueError } from './errors.ts';
import { allowedRedirect } from './read-request.ts';
import * as schemas from './schemas.ts';
import { openSession } from './session-answer.ts';

const path = '/auth/v1/verify';

const tokenShape = new RegExp(tokenPattern);

/** What the links of this contract are of. */
const linked = [
  'signup',
  'invitation',
  'recovery',
  'magiclink',
  'email_change',
] as const satisfies readonly PurposeName[];

/**
 * The page of a link. Mail scanners follow links and some press buttons, so looking changes nothing, and
 * where the press lets somebody in it wants the browser that asked, or the code of the mail, besides. Where
 * the person goes afterwards stays with the message: nothing in the link or the form can change it.
 */
export const pageRoutes =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { rules, brand, organizationId } = deps;
    const browserOf = (request: FastifyRequest) => readBrowser(request.headers.cookie, rules.production);
    const localeOf = (request: FastifyRequest) => deps.negotiate(request.headers['accept-language']);

    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'cache-control': 'no-store', vary: 'accept-language, cookie' });
    });
    // A person whose store is away reads a sentence, not JSON.
    app.setErrorHandler<FastifyError | GotrueError>((error, request, reply) => {
      if ((error.statusCode ?? 500) < 500) return answerError(error, request, reply);
      request.log.error({ err: error }, 'request.failed');
      return sendPage(reply, 503, (nonce) =>
        problemPage({ brand, locale: localeOf(request), nonce, problem: 'unavailable' }),
      );
    });

    app.get(
      '/verify',
      {
        schema: {
          summary: 'The page of a link',
          description:
            'A page with one button that POSTs; it consumes nothing, whoever opens it and however often. A link that is dead or unknown leads back to the application with `#error=…`.',
          tags: ['Verification'],
          querystring: schemas.VerifyQuery,
          response: { ...schemas.errors(400, 503) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const token = query.token ?? query.token_hash ?? '';
        const wished = baseOf({ redirectUrl: query.redirect_to ?? null, organizationId });
        if (!tokenShape.test(token)) return leave(reply, errorCallback(wished, otpExpired, false));
        const facts = await deps.readToken({ by: 'link', tokenHash: hashToken(token) });
        if (facts.state === 'unknown' || !linked.some((purpose) => purpose === facts.purpose))
          return leave(reply, errorCallback(wished, otpExpired, false));
        if (facts.state === 'live') return askToPress(request, reply, facts, token);
        const outcome = outcomeOf(facts);
        if (outcome.kind === 'confirmed' && !opensOnce(facts))
          return sendPage(reply, 200, (nonce) =>
            confirmedPage({ brand, locale: localeOf(request), nonce, outcome: 'already_confirmed' }),
          );
        return refuse(reply, outcome, facts);
      },
    );

    const takesForms: FastifyPluginAsyncTypebox = async (forms) => {
      // Only the page's own form: everywhere else in this contract a cross-site form finds no parser.
      forms.removeAllContentTypeParsers();
      forms.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string' },
        (_request, body, done) => {
          done(null, Object.fromEntries(new URLSearchParams(body as string)));
        },
      );
      forms.post(
        '/verify/press',
        { schema: { hide: true, body: schemas.VerifyBody } },
        async (request, reply) => {
          const token = request.body.token ?? '';
          const outcome = await deps.confirmOnPage.press(
            { token, code: request.body.code ?? undefined, browser: browserOf(request) },
            linked,
          );
          request.log.info({ outcome: outcome.kind }, 'token.presented');
          return answerPress(request, reply, outcome, token);
        },
      );
    };
    await app.register(takesForms);

    const askToPress = (
      request: FastifyRequest,
      reply: FastifyReply,
      facts: KnownToken,
      token: string,
      problem?: 'wrong',
    ): FastifyReply => {
      const page = { brand, locale: localeOf(request) };
      const action = `${path}/press`;
      const options = { hasScript: false, formTargets: [new URL(baseOf(facts)).origin] };
      const wantsCode = deps.confirmOnPage.wantsCode(facts, browserOf(request));
      return sendPage(
        reply,
        problem === undefined ? 200 : 403,
        (nonce) =>
          wantsCode
            ? codeEntryPage({
                ...page,
                nonce,
                action,
                hidden: { token },
                ...(problem === undefined ? {} : { problem }),
              })
            : confirmationPage({
                ...page,
                nonce,
                action,
                token,
                state: 'live',
                email: facts.email,
                purpose: livePurposeOf(facts),
              }),
        options,
      );
    };

    const answerPress = async (
      request: FastifyRequest,
      reply: FastifyReply,
      outcome: PressOutcome,
      token: string,
    ): Promise<FastifyReply> => {
      switch (outcome.kind) {
        case 'confirmed':
          return outcome.now || !opensOnce(outcome.token)
            ? sendOn(reply, outcome.token, outcome.now)
            : refuse(reply, { kind: 'expired', token: outcome.token }, outcome.token);
        case 'proof_wanted':
          return askToPress(request, reply, outcome.token, token);
        case 'wrong_code':
          return askToPress(request, reply, outcome.token, token, 'wrong');
        case 'locked':
          return sendPage(reply.header('retry-after', String(outcome.retryAfterSeconds)), 429, (nonce) =>
            confirmationPage({
              brand,
              locale: localeOf(request),
              nonce,
              token,
              state: 'locked',
              email: null,
            }),
          );
        case 'unknown':
          return refuse(reply, outcome, undefined);
        case 'expired':
        case 'superseded':
        case 'suspended':
        case 'address_taken':
          return refuse(reply, outcome, outcome.token);
      }
    };

    /** Back to the application, with what the link was worth. */
    const sendOn = async (reply: FastifyReply, token: KnownToken, now: boolean): Promise<FastifyReply> => {
      const base = baseOf(token);
      if (!now) return leave(reply, messageCallback(base, 'Email address already confirmed'));
      if (token.change !== null && !(await deps.isChangeComplete(token.change.id)))
        return leave(reply, messageCallback(base, halfConfirmed));
      const challenge = token.context?.['challenge'];
      if (typeof challenge === 'string') {
        const code = await deps.authCodes.issue(token.accountId, challenge);
        return leave(reply, codeCallback(base, code.reveal()));
      }
      const session = await openSession(deps, token.accountId);
      return leave(reply, sessionCallback(base, session, linkTypeOf(token.purpose)));
    };

    const refuse = (
      reply: FastifyReply,
      outcome: Exclude<PressOutcome, { kind: 'proof_wanted' | 'wrong_code' | 'locked' }>,
      token: KnownToken | undefined,
    ): FastifyReply => {
      const base = token === undefined ? rules.siteUrl : baseOf(token);
      const isPkce = typeof token?.context?.['challenge'] === 'string';
      return leave(reply, errorCallback(base, callbackErrors[outcome.kind], isPkce));
    };

    /** Judged again: an origin that was taken off the list gets no session from then on. */
    const baseOf = (token: Pick<KnownToken, 'redirectUrl' | 'organizationId'>): string =>
      allowedRedirect(token.redirectUrl, {
        redirects: deps.redirectsOf(token.organizationId),
        production: rules.production,
      }) ?? rules.siteUrl;
  };

/** 303: whatever brought the person here, the browser goes on with a GET. */
const leave = (reply: FastifyReply, url: string): FastifyReply =>
  reply.header('referrer-policy', 'no-referrer').redirect(url, 303);

/** Whether a second use is refused: it would let somebody in twice. */
const opensOnce = ({ purpose }: KnownToken): boolean => findPurpose(purpose)?.opensSession === true;

const livePurposeOf = ({ purpose, change }: KnownToken): LivePurpose => {
  if (purpose === 'email_change') return change?.side === 'current' ? 'email_change_current' : 'email_change';
  return purpose === 'signup' ? 'signup' : 'magiclink';
};

const denied = (code: string, description: string): CallbackError => ({
  error: 'access_denied',
  error_code: code,
  error_description: description,
});

const otpExpired = denied('otp_expired', 'Email link is invalid or has expired');

/** What the application reads about a link that was not worth anything. */
const callbackErrors = {
  confirmed: otpExpired,
  unknown: otpExpired,
  expired: otpExpired,
  superseded: otpExpired,
  suspended: denied('user_banned', 'User is banned'),
  address_taken: denied('email_exists', 'A user with this email address has already been registered'),
} as const satisfies Record<
  Exclude<PressOutcome['kind'], 'proof_wanted' | 'wrong_code' | 'locked'>,
  CallbackError
>;
