import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Destination } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import { purposes, type PurposeName } from '@reconfirm/core/purposes/registry';
import type { ConfirmOutcome } from '../../confirm.ts';
import { ProblemError } from '../../problem.ts';
import { nextWaitSeconds } from '../../rate-limit-headers.ts';
import { addressKeyOf, addressSubject } from '../../request-keys.ts';
import { answerResend, confirmProblem } from './answers.ts';
import type { V1Dependencies } from './dependencies.ts';
import { readDestination, readLocale, readPhone, readRedirect } from './read-request.ts';
import * as schemas from './schemas.ts';

/** What a person may prove by typing a code or handing in a token: it lets nobody in. */
const provable = ['signup', 'email_change', 'email_changed'] as const satisfies readonly PurposeName[];

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
            'Answers alike for every address and number; purpose `sms` wants `phone`, the others want `email`. `messageId` is a handle to ask about with GET /v1/messages/{handle}. `nextAllowedAt` is when the same request is accepted again.',
          tags: ['Verification'],
          headers: schemas.ResendHeaders,
          body: schemas.AskBody,
          response: {
            200: schemas.AskAnswer,
            ...schemas.problems(400, 403, 409, 413, 415, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const purpose = purposes[body.purpose];
        const destination = readDestination(body, purpose, deps.requestRulesOf(deps.organizationId));
        const { organizationId } = deps;
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
          clientAddress: request.ip,
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
          params: schemas.HandleParams,
          response: { 200: schemas.HandleAnswer, ...schemas.problems(400, 503) },
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
            'Takes the `token` of a link, or an `email` or a `phone` with the six-digit `code` that was sent there; a code of a phone-change too. Spaces, dashes and digits of other scripts in the code are forgiven. A few wrong codes lock the codes of the address for a while; a link goes on working.',
          tags: ['Verification'],
          body: schemas.VerifyBody,
          response: { 200: schemas.ConfirmAnswer, ...schemas.problems(400, 403, 409, 413, 415, 429, 503) },
        },
      },
      async (request) => {
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
        };
      },
    );

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
    }: schemas.VerifyInput): Promise<ConfirmOutcome> => {
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
