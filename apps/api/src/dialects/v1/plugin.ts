import cors from '@fastify/cors';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { captchaRoutes } from '../../captcha/captcha-routes.ts';
import { adminRoutes } from './admin-routes.ts';
import { apiKeyRoutes } from './api-key-routes.ts';
import { changeRoutes } from './change-routes.ts';
import type { V1Dependencies } from './dependencies.ts';
import { messageRoutes } from './message-routes.ts';
import { organizationRoutes } from './organization-routes.ts';
import { phoneChangeRoutes } from './phone-change-routes.ts';
import { publicRoutes } from './public-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { tenantRoutes } from './tenant-routes.ts';
import { verifyRoutes } from './verify-routes.ts';

/** The v1 contract. Browsers may call it from the origins that links may lead to. */
export const v1 =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(cors, {
      // A callback and not a promise: every request passes here.
      origin: (origin, answer) => {
        // Who names no origin is no page of another one, and reads no header of ours about it.
        if (origin === undefined) return answer(null, false);
        const { redirects } = deps.requestRulesOf(deps.organizationId);
        answer(null, redirects.kind === 'any' || redirects.origins.has(origin));
      },
      methods: ['GET', 'POST', 'DELETE'],
      allowedHeaders: ['content-type', 'authorization', 'idempotency-key'],
      exposedHeaders: ['retry-after', 'ratelimit', 'ratelimit-policy', 'idempotency-replayed'],
      maxAge: 600,
    });
    await app.register(publicRoutes(deps));
    await app.register(messageRoutes(deps));
    await app.register(captchaRoutes(deps.captcha));
    await app.register(verifyRoutes(deps));
    if (deps.sessions !== undefined) await app.register(sessionRoutes(deps.sessions));
    await app.register(tenantRoutes(deps));
    await app.register(changeRoutes(deps));
    await app.register(phoneChangeRoutes(deps));
    await app.register(adminRoutes(deps));
    await app.register(apiKeyRoutes(deps));
    await app.register(organizationRoutes(deps));
  };

/** The page that links of every contract may lead to, for an installation that does not speak v1. */
export const v1Page =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(verifyRoutes(deps));
  };
