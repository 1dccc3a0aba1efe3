import type { onRequestAsyncHookHandler } from 'fastify';
import type { Secret } from '@reconfirm/core/secret';
import { bearerToken, isSameSecret } from '@reconfirm/process/bearer-token';
import { ProblemError } from './problem.ts';

/** Lets nobody pass who does not show the operator's key; without a configured key, nobody at all. */
export const adminOnly =
  (adminKey: Secret | undefined): onRequestAsyncHookHandler =>
  async (request) => {
    const given = bearerToken(request.headers.authorization);
    if (adminKey === undefined || given === undefined || !isSameSecret(given, adminKey))
      throw new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': 'Bearer' } });
  };
