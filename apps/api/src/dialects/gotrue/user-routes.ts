import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Secret } from '@reconfirm/core/secret';
import { updatedOf, userNotFound } from './answers.ts';
import type { GotrueDependencies } from './dependencies.ts';
import { readEmail, readMetadata, readPhone, readRemembered, textOf } from './read-request.ts';
import * as schemas from './schemas.ts';
import { authenticate } from './session-routes.ts';
import { userOf } from './user.ts';

/** What a signed-in account sees of itself and may change. */
export const userRoutes =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const shared = { tags: ['User'], security: [{ accessToken: [] }] };

    app.get(
      '/user',
      {
        schema: {
          ...shared,
          summary: 'The user of the access token',
          response: { 200: schemas.User, ...schemas.errors(401, 403, 404, 500, 503) },
        },
      },
      async (request, reply) => {
        const { accountId } = await authenticate(deps, request.headers.authorization);
        const profile = await deps.findProfile(accountId);
        if (profile === undefined) throw userNotFound();
        return reply.header('cache-control', 'no-store').send(userOf(profile));
      },
    );

    app.put(
      '/user',
      {
        schema: {
          ...shared,
          summary: 'Change password, address, number or what is kept with the user',
          description:
            'A new address or number becomes the user’s once it has confirmed; a proved old address has to agree where EMAIL_CHANGE_MODE=both. A new password ends all other sessions.',
          querystring: schemas.RedirectQuery,
          body: schemas.UpdateUserBody,
          response: {
            200: schemas.User,
            ...schemas.errors(400, 401, 403, 404, 413, 415, 422, 429, 500, 503),
          },
        },
      },
      async (request, reply) => {
        const identity = await authenticate(deps, request.headers.authorization);
        const { body } = request;
        const [email, phone, password] = [textOf(body.email), textOf(body.phone), textOf(body.password)];
        const asked = readRemembered(request, body, deps, identity.organizationId);
        const outcome = await deps.updateProfile({
          ...asked,
          organizationId: identity.organizationId,
          accountId: identity.accountId,
          sessionId: identity.sessionId,
          email: email === '' ? null : readEmail(email, deps.rules),
          phone: phone === '' ? null : readPhone(phone, deps.rules),
          password: password === '' ? null : new Secret(password),
          metadata: body.data == null ? null : readMetadata(body.data),
        });
        const { profile } = updatedOf(outcome, {
          channel: email === '' ? 'sms' : 'email',
          passwordSizeMin: deps.rules.passwordSizeMin,
        });
        return reply
          .headers({ 'cache-control': 'no-store', 'set-cookie': asked.setCookie })
          .send(userOf(profile));
      },
    );
  };
