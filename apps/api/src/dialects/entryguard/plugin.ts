import cors from '@fastify/cors';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyError } from 'fastify';
import { acceptEmptyJson } from '../../accept-empty-json.ts';
import type { EntryguardDependencies } from './dependencies.ts';
import { answerError, EntryguardError } from './errors.ts';
import { invitationListRoute } from './invitation-list-route.ts';
import { invitationRoutes } from './invitation-routes.ts';
import { passwordRoutes } from './password-routes.ts';
import { userRoutes } from './user-routes.ts';

/** The EntryGuard contract: inviting users, and everything about their invitations. */
export const entryguard =
  (deps: EntryguardDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(
      async (scope) => {
        acceptEmptyJson(scope);
        scope.setErrorHandler<FastifyError>(answerError);
        scope.setNotFoundHandler(() => {
          throw new EntryguardError('NOT_FOUND');
        });
        const { origins } = deps;
        await scope.register(cors, {
          origin: origins.kind === 'any' ? true : [...origins.origins],
          methods: ['GET', 'POST', 'PATCH', 'DELETE'],
          allowedHeaders: ['content-type', 'authorization', 'x-api-key'],
          exposedHeaders: ['retry-after', 'ratelimit', 'ratelimit-policy', 'link'],
          maxAge: 600,
        });
        await scope.register(userRoutes(deps));
        await scope.register(invitationRoutes(deps));
        await scope.register(invitationListRoute(deps));
        await scope.register(passwordRoutes(deps));
      },
      { prefix: '/api/v1' },
    );
  };
