import type { FastifyRequest } from 'fastify';
import type { Secret } from '@reconfirm/core/secret';
import { bearerToken, isSameSecret } from '../../bearer-token.ts';
import { ProblemError } from '../../problem.ts';

/** A hook that lets the operator's key pass and nobody else; without a configured key, nobody. */
export const requireAdmin =
  (adminKey: Secret | undefined) =>
  async (request: FastifyRequest): Promise<void> => {
    const given = bearerToken(request.headers.authorization);
    if (adminKey === undefined || given === undefined || !isSameSecret(given, adminKey))
      throw new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': 'Bearer' } });
  };
