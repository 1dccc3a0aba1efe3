import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { errorCodes } from '@reconfirm/core/error-codes';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import { hashToken, tokenPattern } from '@reconfirm/core/token';
import type { Presented, TokenFacts, TokenState } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import { confirmationPage, confirmedPage, problemPage } from '../../pages/confirmation-page.ts';
import { asProblem } from '../../error-to-problem.ts';
import { ProblemError } from '../../problem.ts';
import { sendPage } from '../../send-page.ts';
import { tokenProblem, verifiedMessage } from './answers.ts';
import type { V1Dependencies } from './dependencies.ts';
import * as schemas from './schemas.ts';

const tokenShape = new RegExp(tokenPattern);

/**
 * What a press of the button may confirm: it proves an address and lets nobody in, so a scanner that
 * presses it too does no harm.
 */
const confirmedByLink = ['signup', 'email_change', 'email_changed'] as const satisfies readonly PurposeName[];

const byLink = (token: string): Presented => ({ by: 'link', tokenHash: hashToken(token) });

/**
 * Looking at a token and using it up. Mail scanners and previews follow links, so GET and HEAD never
 * change anything; only the POST of the page's one button does. The form works without JavaScript.
 */
export const verifyRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    // Only this route takes forms; everywhere else a cross-site form finds no parser.
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      (_request, body, done) => {
        done(null, Object.fromEntries(new URLSearchParams(body as string)));
      },
    );
    // What a token is worth changes from one moment to the next.
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'cache-control': 'no-store', vary: 'accept, accept-language' });
    });

    // A person who presses the button while a store is away reads a sentence, not JSON.
    app.setErrorHandler((error, request, reply) => {
      if (!isForPerson(request)) throw error;
      const { statusCode } = asProblem(error as FastifyError);
      if (statusCode >= 500) request.log.error({ err: error }, 'request.failed');
      const locale = deps.negotiate(request.headers['accept-language']);
      const problem = statusCode >= 500 ? 'unavailable' : 'malformed';
      return sendPage(reply, statusCode, (nonce) =>
        problemPage({ brand: deps.brand, locale, nonce, problem }),
      );
    });

    app.get(
      '/v1/verify-email/check',
      {
        schema: {
          summary: 'Is this token still good?',
          description: 'Consumes nothing, however often it is asked.',
          tags: ['Verification'],
          querystring: schemas.TokenQuery,
          response: { 200: schemas.CheckAnswer, ...schemas.problems(400, 503) },
        },
      },
      async (request) => checkAnswer(await deps.readToken(byLink(request.query.token))),
    );

    app.get(
      '/v1/verify-email',
      {
        schema: {
          summary: 'The confirmation page',
          description:
            'Where the link of a mail leads when no redirect URL was given: a page with one button that POSTs. Consumes nothing, whoever opens it and however often. With `Accept: application/json` it answers like /check.',
          tags: ['Verification'],
          querystring: schemas.PageQuery,
          response: { 200: schemas.CheckAnswer, ...schemas.problems(400, 503) },
        },
      },
      async (request, reply) => {
        const token = request.query.token ?? '';
        const wellFormed = tokenShape.test(token);
        if (!wantsPage(request.headers.accept)) {
          if (!wellFormed) throw new ProblemError('VALIDATION_FAILED', { errors: [badToken] });
          return reply.type('application/json').send(checkAnswer(await deps.readToken(byLink(token))));
        }
        const locale = deps.negotiate(request.headers['accept-language']);
        if (!wellFormed)
          return sendPage(reply, 400, (nonce) => problemPage({ brand: deps.brand, locale, nonce }));
        const facts = await deps.readToken(byLink(token));
        return sendPage(reply, pageStatus(facts.state), (nonce) =>
          confirmationPage({ brand: deps.brand, locale, nonce, token, ...shownOf(facts) }),
        );
      },
    );

    app.post(
      '/v1/verify-email',
      {
        schema: {
          summary: 'Confirm the address',
          description:
            'Uses the token up. Repeated within its lifetime it answers success again. Takes JSON, and the form of the page.',
          tags: ['Verification'],
          body: schemas.TokenBody,
          response: { 200: schemas.VerifyAnswer, ...schemas.problems(400, 403, 413, 415, 503) },
        },
      },
      async (request, reply) => {
        const { token } = request.body;
        const facts = await deps.confirmToken(byLink(token), confirmedByLink);
        request.log.info({ state: facts.state }, 'token.presented');
        if (isForm(request.headers['content-type'])) {
          const locale = deps.negotiate(request.headers['accept-language']);
          return sendResultPage(reply, { facts, locale, token });
        }
        const reason = tokenProblem(facts.state);
        if (reason !== null) throw new ProblemError(reason);
        return { ok: true as const, email: shownOf(facts).email ?? '', message: verifiedMessage };
      },
    );

    const sendResultPage = (
      reply: FastifyReply,
      shown: { facts: Confirmation; locale: ReturnType<typeof deps.negotiate>; token: string },
    ): FastifyReply => {
      const { state, email } = shownOf(shown.facts);
      const page = { brand: deps.brand, locale: shown.locale };
      if (state === 'live' || state === 'consumed')
        return sendPage(reply, 200, (nonce) =>
          confirmedPage({ ...page, nonce, outcome: state === 'live' ? 'confirmed' : 'already_confirmed' }),
        );
      return sendPage(reply, pageStatus(shown.facts.state), (nonce) =>
        confirmationPage({ ...page, nonce, token: shown.token, state, email }),
      );
    };
  };

/** The page of a token has the status that JSON would have. */
const pageStatus = (state: Confirmation['state']): number => {
  const reason = tokenProblem(state);
  return reason === null ? 200 : errorCodes[reason].status;
};

const badToken = { field: 'token', message: 'must be 64 hex digits', code: 'pattern' };

/** A token that cannot be confirmed here is shown as one that nobody made. */
const shownOf = (facts: Confirmation): { readonly state: TokenState; readonly email: string | null } =>
  facts.state === 'unknown' || facts.state === 'other_purpose' || facts.state === 'address_taken'
    ? { state: 'unknown', email: null }
    : { state: facts.state, email: facts.email };

const checkAnswer = (facts: TokenFacts) =>
  facts.state === 'live' && facts.email !== null ? { valid: true, email: facts.email } : { valid: false };

const wantsPage = (accept: string | undefined): boolean => !/^application\/json\b/i.test(accept ?? '');

/** Of this scope only the page has a person before it: the check is asked by programs, whatever they accept. */
const isForPerson = (request: FastifyRequest): boolean =>
  isForm(request.headers['content-type']) ||
  (request.method === 'GET' &&
    request.routeOptions.url === '/v1/verify-email' &&
    /\btext\/html\b/i.test(request.headers.accept ?? ''));

const isForm = (contentType: string | undefined): boolean =>
  /^application\/x-www-form-urlencoded\b/i.test(contentType ?? '');
