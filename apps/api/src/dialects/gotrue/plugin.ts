import cors, { type FastifyCorsOptionsDelegateCallback } from '@fastify/cors';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyError } from 'fastify';
import type { GotrueDependencies } from './dependencies.ts';
import { answerError, apiVersionHeader, errorCodeHeader, GotrueError } from './errors.ts';
import { messageRoutes } from './message-routes.ts';
import { serviceRoutes } from './service-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { userRoutes } from './user-routes.ts';
import { pageRoutes } from './verify-page.ts';
import { verifyRoutes } from './verify-routes.ts';

/** Where clients of this contract are pointed at. */
const prefix = '/auth/v1';

/** The GoTrue-shaped contract. */
export const gotrue =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (root) => {
    await root.register(
      async (app) => {
        app.setErrorHandler<FastifyError | GotrueError>(answerError);
        app.setNotFoundHandler(() => {
          throw new GotrueError(404, 'not_found', 'There is nothing at this path');
        });
        readJsonLeniently(app);
        await app.register(cors, { delegator: corsDelegator(deps) });
        await app.register(messageRoutes(deps));
        await app.register(verifyRoutes(deps));
        await app.register(pageRoutes(deps));
        await app.register(sessionRoutes(deps));
        await app.register(userRoutes(deps));
        await app.register(serviceRoutes(deps));
      },
      { prefix },
    );
  };

/** Clients send `Content-Type: application/json` without a body, too: it counts as an empty object. */
const readJsonLeniently = (app: Parameters<FastifyPluginAsyncTypebox>[0]): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {});
    else void parse(request, body as string, done);
  });
};

/** Browsers may call from where people may be sent, by the settings as they are now. */
const corsDelegator =
  (deps: GotrueDependencies): FastifyCorsOptionsDelegateCallback =>
  (_request, answer) => {
    const redirects = deps.redirectsOf(deps.organizationId);
    answer(null, {
      origin: redirects.kind === 'any' ? true : [...redirects.origins],
      // So that the browser which asks is known again by the page of the link. Never with any origin.
      credentials: redirects.kind === 'origins',
      methods: ['GET', 'POST', 'PUT'],
      allowedHeaders: [
        'content-type',
        'authorization',
        'apikey',
        'redirect_to',
        'x-client-info',
        apiVersionHeader,
      ],
      exposedHeaders: [
        'retry-after',
        'ratelimit',
        'ratelimit-policy',
        'x-ratelimit-limit',
        'x-ratelimit-remaining',
        'x-ratelimit-reset',
        apiVersionHeader,
        errorCodeHeader,
      ],
      maxAge: 600,
    });
  };
