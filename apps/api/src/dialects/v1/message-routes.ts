import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Destination } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import { findPurpose, purposes, type PurposeName } from '@reconfirm/core/purposes/registry';
import type { KnownToken } from '@reconfirm/db/token-state';
import { clientAddressOf } from '../../client-address.ts';
import type { ConfirmOutcome } from '../../confirm.ts';
import { ProblemError } from '../../problem.ts';
import { nextWaitSeconds } from '../../rate-limit-headers.ts';
import { addressKeyOf, addressSubject } from '../../request-keys.ts';
import { answerResend, confirmProblem, sessionOf } from './answers.ts';
import type { V1Dependencies } from './dependencies.ts';
import { readDestination, readLocale, readPhone, readRedirect } from './read-request.ts';
import * as messages from './schemas-message.ts';
import * as schemas from './schemas.ts';

/**
 * What a person may prove by typing a code or handing in a token. A program has to send it: no scanner of mails
 * does, so purposes that let somebody in are among them, unlike with the button of /v1/verify-email.
 */
const provable = [
  'signup',
  'magiclink',
  'recovery',
  'email_change',
  'email_changed',
] as const satisfies readonly PurposeName[];

/** The same by SMS: whether the number is to become the account's or is it already. */
const provableByPhone = { purpose: 'sms', orPurposes: ['phone_change'] } as const;

/** Any purpose that anybody may ask for, followed by an opaque handle, proved by link or code. */
export const messageRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/v1/resend',
      {
        schema: {
          summary: 'Send a message of any purpose (again)',
          description:
            'Answers alike for every address and number; purpose `sms` wants `phone`, the others want `email`. `magiclink` wants a `redirectUrl`: a page of yours that hands the token to POST /v1/verify; so does `recovery` without SESSION_KEYS, else its link leads to our page that sets a password. `messageId` is a handle to ask about with GET /v1/messages/{handle}. `nextAllowedAt` is when the same request is accepted again.',
          tags: ['Verification'],
          headers: schemas.ResendHeaders,
          body: messages.AskBody,
          response: {
            200: messages.AskAnswer,
            ...schemas.problems(400, 403, 409, 413, 415, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const purpose = purposes[body.purpose];
        const destination = readDestination(body, purpose, deps.requestRulesOf(deps.organizationId));
        const { organizationId } = deps;
        if (body.redirectUrl === undefined && wantsPage(body.purpose))
          throw new ProblemError('VALIDATION_FAILED', { errors: [pageWanted] });
        const outcome = await deps.resend({
          organizationId,
          purpose,
          destination,
          redirectUrl: readRedirect(
            body.redirectUrl,
            deps.requestRulesOf(deps.organizationId),
            'redirectUrl',
          ),
          locale: readLocale(body.locale),
          clientAddress: clientAddressOf(request),
          idempotencyKey: request.headers['idempotency-key'],
          captchaAnswer: body.captchaToken,
        });
        deps.decided(request, { what: purpose.name, organizationId, destination }, outcome);
        const { headers } = answerResend(outcome, deps.emailOff);
        if (outcome.kind !== 'accepted' && outcome.kind !== 'replayed')
          throw new ProblemError('INTERNAL_ERROR');
        const limits = outcome.kind === 'accepted' ? outcome.limits : [await peek(destination, body.purpose)];
        return reply.headers(headers).send({
          ok: true as const,
          messageId: outcome.messageId,
          nextAllowedAt: new Date(Date.now() + nextWaitSeconds(limits) * 1000).toISOString(),
        });
      },
    );

    app.get(
      '/v1/messages/:handle',
      {
        schema: {
          summary: 'Has it been confirmed?',
          description:
            'For the window that asked, while the link is opened elsewhere. Says `pending` for every handle that was not confirmed, also for one that nobody was given, so it tells nothing about addresses.',
          tags: ['Verification'],
          params: messages.HandleParams,
          response: { 200: messages.HandleAnswer, ...schemas.problems(400, 503) },
        },
      },
      async (request, reply) => {
        const isConfirmed = await deps.isConfirmedSince(deps.organizationId, request.params.handle);
        return reply
          .header('cache-control', 'no-store')
          .send({ ok: true as const, status: isConfirmed ? ('verified' as const) : ('pending' as const) });
      },
    );

    app.post(
      '/v1/verify',
      {
        schema: {
          summary: 'Confirm by link token or by code',
          description:
            'Takes the `token` of a link, or an `email` or a `phone` with the six-digit `code` that was sent there; a code of a phone-change too. Spaces, dashes and digits of other scripts in the code are forgiven. A few wrong codes lock the codes of the address for a while; a link goes on working. `magiclink`, `recovery` and `sms` open a session, once, where SESSION_KEYS is set.',
          tags: ['Verification'],
          body: messages.VerifyBody,
          response: { 200: messages.ConfirmAnswer, ...schemas.problems(400, 403, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        const outcome = await confirm(request.body);
        request.log.info({ outcome: outcome.kind }, 'token.presented');
        if (outcome.kind !== 'confirmed') throw confirmProblem(outcome);
        const { purpose, email } = outcome.token;
        return {
          ok: true as const,
          purpose,
          email,
          ...(request.body.phone !== undefined && { phone: numberOf(request.body.phone).address }),
          alreadyConfirmed: !outcome.now,
          session: outcome.now ? await sessionFor(outcome.token) : null,
        };
      },
    );

    const wantsPage = (name: PurposeName): boolean =>
      name === 'magiclink' || (name === 'recovery' && deps.sessions === undefined);

    /** Shown a second time a token succeeds, but lets nobody in again. */
    const sessionFor = async (token: KnownToken): Promise<messages.SessionAnswer | null> => {
      if (deps.sessions === undefined || findPurpose(token.purpose)?.opensSession !== true) return null;
      return sessionOf(await deps.sessions.openFor(token.accountId));
    };

    const peek = (destination: Destination, name: PurposeName): Promise<LimitDecision> => {
      const { organizationId, keys } = deps;
      const { limits } = deps.rulesOf(organizationId);
      return deps.limiter.peek(
        addressSubject(
          keys,
          { organizationId, limits, purpose: purposes[name], destination },
          addressKeyOf(keys, organizationId, destination.lookupForm),
        ),
      );
    };

    const confirm = ({
      token,
      email,
      phone,
      code,
      purpose,
    }: messages.VerifyInput): Promise<ConfirmOutcome> => {
      const { organizationId } = deps;
      const isAlone = email === undefined && phone === undefined && code === undefined;
      if (token !== undefined && isAlone) return deps.confirm.byLink(token, provable);
      const isWhole = token === undefined && (email === undefined) !== (phone === undefined);
      if (!isWhole || code === undefined)
        throw new ProblemError('VALIDATION_FAILED', { errors: [tokenOrCode] });
      if (phone !== undefined && purpose === undefined)
        return deps.confirm.byCode({ organizationId, ...provableByPhone, of: numberOf(phone), code });
      const wanted = purpose ?? 'signup';
      const of = readDestination(
        { ...(email !== undefined && { email }), ...(phone !== undefined && { phone }) },
        purposes[wanted],
        deps.requestRulesOf(organizationId),
      );
      return deps.confirm.byCode({ organizationId, purpose: wanted, of, code });
    };

    const numberOf = (phone: string): Destination =>
      readPhone(phone, deps.requestRulesOf(deps.organizationId));
  };

const tokenOrCode = {
  field: 'token',
  message: 'must be given alone, or instead of it a code with either email or phone',
  code: 'required',
};

const pageWanted = {
  field: 'redirectUrl',
  message: 'must be given: the link leads to a page of yours, which hands its token to POST /v1/verify',
  code: 'required',
};
