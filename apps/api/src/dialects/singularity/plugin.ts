import cors from '@fastify/cors';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyError } from 'fastify';
import { acceptEmptyJson } from '../../accept-empty-json.ts';
import type { SingularityDependencies } from './dependencies.ts';
import { answerError, SingularityError } from './errors.ts';
import { passwordRoutes } from './password-routes.ts';
import { registerRoutes } from './register-routes.ts';
import { verificationRoutes } from './verification-routes.ts';

/** The Singularity contract: verifying an address, and resetting a password. */
export const singularity =
  (deps: SingularityDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(
      async (scope) => {
        acceptEmptyJson(scope);
        scope.setErrorHandler<FastifyError>(answerError);
        scope.setNotFoundHandler(() => {
          throw new SingularityError('NOT_FOUND');
        });
        const { origins } = deps;
        await scope.register(cors, {
          origin: origins.kind === 'any' ? true : [...origins.origins],
          credentials: true,
          methods: ['GET', 'POST'],
          allowedHeaders: ['content-type', 'authorization'],
          exposedHeaders: ['retry-after', 'ratelimit', 'ratelimit-policy', 'x-error-code'],
          maxAge: 600,
        });
        await scope.register(verificationRoutes(deps));
        await scope.register(passwordRoutes(deps));
        await scope.register(registerRoutes(deps));
      },
      { prefix: '/api/auth' },
    );
  };
