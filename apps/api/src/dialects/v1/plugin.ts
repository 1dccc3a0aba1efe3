import cors from '@fastify/cors';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { captchaRoutes } from '../../captcha/captcha-routes.ts';
import { adminRoutes } from './admin-routes.ts';
import type { V1Dependencies } from './dependencies.ts';
import { publicRoutes } from './public-routes.ts';
import { tenantRoutes } from './tenant-routes.ts';
import { verifyRoutes } from './verify-routes.ts';

/** The v1 contract (seed 001). Browsers may call it from the origins that links may lead to. */
export const v1 =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { redirects } = deps.rules;
    await app.register(cors, {
      origin: redirects.kind === 'any' ? true : [...redirects.origins],
      methods: ['GET', 'POST'],
      allowedHeaders: ['content-type', 'authorization', 'idempotency-key'],
      exposedHeaders: ['retry-after', 'ratelimit', 'ratelimit-policy', 'idempotency-replayed'],
      maxAge: 600,
    });
    await app.register(publicRoutes(deps));
    await app.register(captchaRoutes(deps.captcha));
    await app.register(verifyRoutes(deps));
    await app.register(tenantRoutes(deps));
    await app.register(adminRoutes(deps));
  };
