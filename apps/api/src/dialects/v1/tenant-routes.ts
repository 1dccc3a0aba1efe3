import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import { eventOf, tenantOf } from './answers.ts';
import { authenticateTenant } from './authenticate-tenant.ts';
import type { V1Dependencies } from './dependencies.ts';
import * as schemas from './schemas.ts';
import { OwnSuppression, ownSuppressionOf } from './suppression-schemas.ts';

const OwnTenantAnswer = Type.Object({
  ok: Type.Literal(true),
  tenant: Type.Object({ ...schemas.Tenant.properties, suppressed: Type.Array(OwnSuppression) }),
});

/** What a tenant may ask about itself, with the key that registering gave it. */
export const tenantRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const security = [{ apiKey: [] }];

    app.get(
      '/v1/tenants/me',
      {
        schema: {
          summary: 'The tenant of the key',
          description:
            '`verificationEmailStatus` says what became of its newest verification mail, `suppressed` to which of its addresses nothing is sent for now. Nobody else is told either.',
          tags: ['Tenant'],
          security,
          response: { 200: OwnTenantAnswer, ...schemas.problems(401, 503) },
        },
      },
      async (request) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        const suppressed = await deps.findSuppressions(account.id);
        return {
          ok: true as const,
          tenant: { ...tenantOf(account), suppressed: suppressed.map(ownSuppressionOf) },
        };
      },
    );

    app.get(
      '/v1/tenants/events',
      {
        schema: {
          summary: 'What happened to the tenant, oldest first',
          tags: ['Tenant'],
          security,
          response: { 200: schemas.EventsAnswer, ...schemas.problems(401, 503) },
        },
      },
      async (request) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        return { ok: true as const, events: (await deps.listEvents(account.id)).map(eventOf) };
      },
    );
  };
