import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { purposes } from '@reconfirm/core/purposes/registry';
import { Secret } from '@reconfirm/core/secret';
import { clientAddressOf } from '../../client-address.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import { registeredOf } from './answers.ts';
import type { SingularityDependencies } from './dependencies.ts';
import { SingularityError } from './errors.ts';
import { readEmail, readLocale } from './read-request.ts';
import * as schemas from './schemas.ts';

/** Registering, by the Singularity contract: the answer is alike for a free address and one that has an account. */
export const registerRoutes =
  (deps: SingularityDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/register',
      {
        schema: {
          summary: 'Register, and send the verification email',
          description:
            'The password counts once the address is verified by that very mail. Whoever has an account already keeps it as it is; its owner is told by mail where NOTICE_ALREADY_VERIFIED=on.',
          tags: ['Registration'],
          querystring: schemas.RegisterQuery,
          body: schemas.RegisterBody,
          response: { 200: schemas.SuccessAnswer, ...schemas.errors(400, 413, 415, 429, 500, 503) },
        },
      },
      async (request, reply) => {
        if (request.query['send-email'] === 'false')
          throw new SingularityError('INVALID_REQUEST', {
            message: 'Not valid: send-email=false would make an account that nobody can verify.',
          });
        const { body } = request;
        const email = readEmail(body.email, deps);
        const { organizationId } = deps;
        const outcome = await deps.signUp({
          organizationId,
          destination: email,
          purpose: purposes.signup,
          password: new Secret(body.password),
          name: body.name.trim(),
          metadata: {},
          locale: readLocale(request.query.locale),
          redirectUrl: deps.verificationUrl,
          clientAddress: clientAddressOf(request),
          context: {},
        });
        deps.decided(request, { what: 'register', organizationId, destination: email }, outcome);
        const { limits } = registeredOf(outcome);
        return reply.headers(rateLimitHeaders(limits, undefined)).send({ success: true as const });
      },
    );
  };
