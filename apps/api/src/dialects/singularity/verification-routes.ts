import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { purposes } from '@reconfirm/core/purposes/registry';
import { clientAddressOf } from '../../client-address.ts';
import { addressKeyOf, addressSubject } from '../../request-keys.ts';
import { alreadyVerified, confirmedOf, principalOf, sentOf, statusOf } from './answers.ts';
import type { SingularityDependencies } from './dependencies.ts';
import { SingularityError } from './errors.ts';
import { readLocale, readUser } from './read-request.ts';
import * as schemas from './schemas.ts';

/** Verifying the address of the signed-in user, by the Singularity contract. */
export const verificationRoutes =
  (deps: SingularityDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const signedIn = { tags: ['Email verification'], security: [{ accessToken: [] }, { cookie: [] }] };

    app.post(
      '/email/verification/send',
      {
        schema: {
          ...signedIn,
          summary: 'Send the verification email again',
          description:
            'To the address of the user of the access token. What becomes of the mail is told by GET status.',
          querystring: schemas.LocaleQuery,
          response: {
            200: schemas.CooldownAnswer,
            ...schemas.errors(304, 400, 401, 404, 409, 413, 415, 429, 500, 503),
          },
        },
      },
      async (request, reply) => {
        const { user, email } = await readUser(deps, request);
        // Before the limits: what cannot be sent costs nothing.
        if (deps.emailIsOff) throw new SingularityError('EMAIL_DISABLED');
        if (user.verifiedAt !== null) throw alreadyVerified(deps.alreadyVerifiedStatus);
        const { organizationId } = user;
        const outcome = await deps.resend({
          organizationId,
          purpose: purposes.signup,
          destination: email,
          redirectUrl: deps.verificationUrl,
          locale: readLocale(request.query.locale),
          clientAddress: clientAddressOf(request),
          idempotencyKey: undefined,
        });
        deps.decided(request, { what: 'resend', organizationId, destination: email }, outcome);
        const { cooldown, headers } = sentOf(outcome, deps.alreadyVerifiedStatus);
        return reply.headers(headers).send({ cooldown });
      },
    );

    app.get(
      '/email/verification/cooldown',
      {
        schema: {
          ...signedIn,
          summary: 'How long until another mail may be asked for',
          description: 'Counts nothing.',
          response: { 200: schemas.RemainingAnswer, ...schemas.errors(401, 404, 500) },
        },
      },
      async (request) => {
        const { user, email } = await readUser(deps, request);
        const { organizationId } = user;
        const { limits } = deps.rulesOf(organizationId);
        const { retryAfterSeconds } = await deps.limiter.peek(
          addressSubject(
            deps.keys,
            { organizationId, limits, purpose: purposes.signup, destination: email },
            addressKeyOf(deps.keys, organizationId, email.lookupForm),
          ),
        );
        return { remaining: retryAfterSeconds };
      },
    );

    app.get(
      '/email/verification/status',
      {
        schema: {
          ...signedIn,
          summary: 'What became of the last verification email',
          description:
            'Not in the Singularity document, whose 500s a queue cannot give: `failure` holds the code of a mail that could not be sent.',
          response: { 200: schemas.StatusAnswer, ...schemas.errors(401, 404, 500) },
        },
      },
      async (request, reply) => {
        const { user, email } = await readUser(deps, request);
        const { organizationId } = user;
        const emailKey = addressKeyOf(deps.keys, organizationId, email.lookupForm);
        const message = await deps.findNewestMessage(organizationId, emailKey, 'signup');
        return reply.header('cache-control', 'no-store').send(statusOf(user, message));
      },
    );

    app.post(
      '/email/verification',
      {
        schema: {
          summary: 'Verify the address by the token of the mail',
          description: 'For a change of address too: it switches here.',
          tags: ['Email verification'],
          querystring: schemas.TokenQuery,
          response: {
            200: schemas.Principal,
            ...schemas.errors(304, 400, 401, 404, 409, 413, 415, 429, 500),
          },
        },
      },
      async (request, reply) => {
        const { token = '' } = request.query;
        if (token === '') throw new SingularityError('EMAIL_VERIFICATION_TOKEN_MISSING');
        const outcome = await deps.confirm.byLink(token, ['signup', 'email_change']);
        request.log.info({ outcome: outcome.kind }, 'token.presented');
        const confirmed = confirmedOf(outcome);
        if (confirmed.wasProved && !deps.repeatedVerifySucceeds)
          throw alreadyVerified(deps.alreadyVerifiedStatus);
        const user = await deps.findUser(confirmed.token.organizationId, confirmed.token.accountId);
        if (user === undefined) throw new SingularityError('USER_NOT_FOUND');
        return reply.header('cache-control', 'no-store').send(principalOf(user));
      },
    );
  };
