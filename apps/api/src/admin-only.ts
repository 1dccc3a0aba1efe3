import type { onRequestAsyncHookHandler } from 'fastify';
import type { Secret } from '@reconfirm/core/secret';
import { bearerToken, isSameSecret } from './bearer-token.ts';
import { ProblemError } from './problem.ts';

/** Lets requests with the operator's key pass; without a key in the settings nobody passes. */
export const adminOnly =
  (adminKey: Secret | undefined): onRequestAsyncHookHandler =>
  async (request) => {
    const given = bearerToken(request.headers.authorization);
    if (adminKey === undefined || given === undefined || !isSameSecret(given, adminKey))
      throw new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': 'Bearer' } });
  };
