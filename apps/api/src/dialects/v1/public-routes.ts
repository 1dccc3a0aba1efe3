import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { suggestAddress } from '@reconfirm/core/address-suggestion';
import { purposes } from '@reconfirm/core/purposes/registry';
import { clientAddressOf } from '../../client-address.ts';
import { addressKeyOf, addressSubject } from '../../request-keys.ts';
import { answerResend, registeredOf, resendMessage, tenantOf } from './answers.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import type { V1Dependencies } from './dependencies.ts';
import { readEmail, readLocale, readRedirect } from './read-request.ts';
import * as schemas from './schemas.ts';

/** What anybody may ask for: registering, resending, the cooldown. Schema → command, outcome → answer. */
export const publicRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/v1/register',
      {
        schema: {
          summary: 'Register an address',
          description:
            'Creates a tenant that waits for verification and sends the first mail, which starts the cooldown too. Counts towards the limit of the client address together with resends.',
          tags: ['Verification'],
          body: schemas.RegisterBody,
          response: { 201: schemas.RegisterAnswer, ...schemas.problems(400, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const email = readEmail(body.email, deps.requestRulesOf(deps.organizationId));
        const outcome = await deps.register({
          organizationId: deps.organizationId,
          email,
          name: body.name ?? null,
          locale:
            readLocale(body.locale) ??
            readLocale(body.preferredLanguage, 'preferredLanguage') ??
            deps.negotiate(request.headers['accept-language']),
          redirectUrl: readRedirect(body.verificationRedirectUrl, deps.requestRulesOf(deps.organizationId)),
          clientAddress: clientAddressOf(request),
          captchaAnswer: body.captchaToken,
        });
        deps.decided(
          request,
          { what: 'register', organizationId: deps.organizationId, destination: email },
          outcome,
        );
        const { account, apiKey, limits } = registeredOf(outcome);
        const suggestion = suggestAddress(email.address);
        return reply
          .code(201)
          .headers(rateLimitHeaders(limits, undefined))
          .send({
            ok: true,
            tenant: tenantOf(account),
            apiKey: apiKey.reveal(),
            ...(suggestion !== null && { emailSuggestion: suggestion }),
          });
      },
    );

    app.post(
      '/v1/resend-verification',
      {
        schema: {
          summary: 'Send the verification mail again',
          description:
            'Sends a new link and ends the older one. The answer does not tell whether the address is registered. Limits: the cooldown of the address, and the client address together with registrations; both are in the RateLimit headers.',
          tags: ['Verification'],
          headers: schemas.ResendHeaders,
          body: schemas.ResendBody,
          response: {
            200: schemas.ResendAnswer,
            ...schemas.problems(400, 403, 409, 413, 415, 422, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const email = readEmail(body.email, deps.requestRulesOf(deps.organizationId));
        const outcome = await deps.resend({
          organizationId: deps.organizationId,
          purpose: purposes.signup,
          destination: email,
          redirectUrl: readRedirect(body.verificationRedirectUrl, deps.requestRulesOf(deps.organizationId)),
          locale: readLocale(body.locale),
          clientAddress: clientAddressOf(request),
          idempotencyKey: request.headers['idempotency-key'],
          captchaAnswer: body.captchaToken,
        });
        deps.decided(
          request,
          { what: 'resend', organizationId: deps.organizationId, destination: email },
          outcome,
        );
        const { headers } = answerResend(outcome, deps.emailOff);
        return reply.headers(headers).send({ ok: true, message: resendMessage });
      },
    );

    app.get(
      '/v1/verification/cooldown',
      {
        schema: {
          summary: 'How long until a resend is accepted',
          description: 'Counts nothing. Answers for any address, registered or not.',
          tags: ['Verification'],
          querystring: schemas.EmailQuery,
          response: { 200: schemas.CooldownAnswer, ...schemas.problems(400, 503) },
        },
      },
      async (request) => {
        const email = readEmail(request.query.email, deps.requestRulesOf(deps.organizationId));
        const { organizationId } = deps;
        const { limits } = deps.rulesOf(organizationId);
        const { retryAfterSeconds } = await deps.limiter.peek(
          addressSubject(
            deps.keys,
            { organizationId, limits, purpose: purposes.signup, destination: email },
            addressKeyOf(deps.keys, organizationId, email.lookupForm),
          ),
        );
        return {
          ok: true as const,
          remainingSeconds: retryAfterSeconds,
          nextAllowedAt: new Date(Date.now() + retryAfterSeconds * 1000).toISOString(),
        };
      },
    );
  };
