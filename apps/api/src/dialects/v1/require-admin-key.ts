import type { FastifyInstance } from 'fastify';
import type { Secret } from '@reconfirm/core/secret';
import { bearerToken, isSameSecret } from '../../bearer-token.ts';
import { ProblemError } from '../../problem.ts';

/** Every route of this scope answers 401 to all but the operator; without a key, to everybody. */
export const requireAdminKey = (
  app: Pick<FastifyInstance, 'addHook'>,
  adminKey: Secret | undefined,
): void => {
  app.addHook('onRequest', async (request) => {
    const given = bearerToken(request.headers.authorization);
    if (adminKey === undefined || given === undefined || !isSameSecret(given, adminKey))
      throw new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': 'Bearer' } });
  });
};
