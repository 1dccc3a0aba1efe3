import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { purposes } from '@reconfirm/core/purposes/registry';
import { Secret } from '@reconfirm/core/secret';
import { clientAddressOf } from '../../client-address.ts';
import { addressKeyOf, addressSubject } from '../../request-keys.ts';
import { expectPasswordSet, sentOf } from './answers.ts';
import type { SingularityDependencies } from './dependencies.ts';
import { SingularityError } from './errors.ts';
import { readEmail, readLocale } from './read-request.ts';
import * as schemas from './schemas.ts';

/** A forgotten password, by the Singularity contract. Answers are alike for every address. */
export const passwordRoutes =
  (deps: SingularityDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const tags = ['Password'];

    app.post(
      '/password/reset-request',
      {
        schema: {
          summary: 'Send a link that resets the password',
          description: 'The answer does not tell whether the address is registered.',
          tags,
          querystring: schemas.LocaleQuery,
          body: schemas.EmailBody,
          response: { 200: schemas.CooldownAnswer, ...schemas.errors(400, 413, 415, 429, 500, 503) },
        },
      },
      async (request, reply) => {
        const email = readEmail(request.body.email, deps);
        const { organizationId } = deps;
        const outcome = await deps.resend({
          organizationId,
          purpose: purposes.recovery,
          destination: email,
          redirectUrl: deps.passwordResetUrl,
          locale: readLocale(request.query.locale),
          clientAddress: clientAddressOf(request),
          idempotencyKey: undefined,
        });
        deps.decided(request, { what: 'recovery', organizationId, destination: email }, outcome);
        const { cooldown, headers } = sentOf(outcome, deps.alreadyVerifiedStatus);
        return reply.headers(headers).send({ cooldown });
      },
    );

    app.get(
      '/password/reset/cooldown',
      {
        schema: {
          summary: 'How long until another link may be asked for',
          description: 'Counts nothing. Answers for any address, registered or not.',
          tags,
          querystring: schemas.EmailQuery,
          response: { 200: schemas.RemainingAnswer, ...schemas.errors(400, 500) },
        },
      },
      async (request) => {
        const email = readEmail(request.query.email, deps);
        const { organizationId, keys } = deps;
        const { limits } = deps.rulesOf(organizationId);
        const { retryAfterSeconds } = await deps.limiter.peek(
          addressSubject(
            keys,
            { organizationId, limits, purpose: purposes.recovery, destination: email },
            addressKeyOf(keys, organizationId, email.lookupForm),
          ),
        );
        return { remaining: retryAfterSeconds };
      },
    );

    app.post(
      '/password/reset',
      {
        schema: {
          summary: 'Set a new password by the token of the mail',
          description: 'Uses the token up, verifies the address and ends every session of the user.',
          tags,
          querystring: schemas.TokenQuery,
          body: schemas.PasswordBody,
          response: { 200: schemas.SuccessAnswer, ...schemas.errors(400, 401, 413, 415, 500, 503) },
        },
      },
      async (request) => {
        const { token = '' } = request.query;
        if (token === '') throw new SingularityError('PASSWORD_RESET_TOKEN_MISSING');
        const outcome = await deps.setPassword({
          token: new Secret(token),
          password: new Secret(request.body.password),
          purposes: ['recovery'],
          policy: deps.passwordPolicy,
        });
        request.log.info({ outcome: outcome.kind }, 'token.presented');
        expectPasswordSet(outcome);
        return { success: true as const };
      },
    );
  };
