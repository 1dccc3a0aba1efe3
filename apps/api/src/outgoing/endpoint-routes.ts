import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Secret } from '@reconfirm/core/secret';
import type { Database } from '@reconfirm/db/database';
import {
  deleteWebhookEndpoint,
  findWebhookEndpoint,
  listWebhookEndpoints,
  type WebhookEndpoint,
} from '@reconfirm/db/webhook-endpoints';
import { adminOnly } from '../admin-only.ts';
import { problems } from '../dialects/v1/schemas.ts';
import { ProblemError } from '../problem.ts';
import type { Endpoints, UrlRefusal } from './endpoints.ts';
import * as schemas from './schemas.ts';

export interface EndpointRoutesOptions {
  readonly db: Database;
  readonly adminKey: Secret | undefined;
  readonly organizationId: string;
  readonly endpoints: Endpoints;
}

const overlapSecondsDefault = 86_400;

const shared = { tags: ['Events'], security: [{ adminKey: [] }] };
const common = [400, 401, 503] as const;
const withBody = [...common, 413, 415] as const;

export const toAnswer = (endpoint: WebhookEndpoint) => ({
  id: endpoint.id,
  url: endpoint.url,
  eventTypes: [...endpoint.eventTypes],
  active: endpoint.active,
  disabledReason: endpoint.disabledReason,
  previousSecretUntil: endpoint.previousSecretUntil?.toISOString() ?? null,
  createdAt: endpoint.createdAt.toISOString(),
});

const urlMessages = {
  not_a_url: 'must be an absolute URL',
  scheme: 'must be https',
  credentials: 'must not hold a user name or password',
  fragment: 'must not hold a fragment',
  port: 'has a port that is not allowed (EVENT_PORTS)',
  address: 'leads to an address that is not public',
  unresolvable: 'has a host that cannot be resolved',
} as const satisfies Record<UrlRefusal, string>;

const urlProblem = (reason: UrlRefusal): ProblemError =>
  new ProblemError('WEBHOOK_URL_NOT_ALLOWED', {
    errors: [{ field: 'url', message: urlMessages[reason], code: reason }],
  });

/** Where an operator says which application is told what. */
export const endpointRoutes =
  ({ db, adminKey, organizationId, endpoints }: EndpointRoutesOptions): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(adminKey));

    app.post(
      '/v1/admin/webhook-endpoints',
      {
        schema: {
          ...shared,
          summary: 'Have events sent somewhere',
          description:
            'Signed as Standard Webhooks 1.0.0 says; docs/webhooks.md tells how to receive them. The answer holds the secret, once.',
          body: schemas.CreateBody,
          response: { 201: schemas.SecretAnswer, ...problems(...withBody) },
        },
      },
      async (request, reply) => {
        const made = await endpoints.create(request.body.url, request.body.eventTypes ?? []);
        if (made.kind === 'url_refused') throw urlProblem(made.reason);
        request.log.info({ endpointId: made.endpoint.id }, 'admin.endpoint_created');
        return reply
          .code(201)
          .send({ ok: true, endpoint: toAnswer(made.endpoint), secret: made.secret.reveal() });
      },
    );

    app.get(
      '/v1/admin/webhook-endpoints',
      {
        schema: {
          ...shared,
          summary: 'Where events are sent',
          response: { 200: schemas.EndpointsAnswer, ...problems(401, 503) },
        },
      },
      async () => ({
        ok: true as const,
        endpoints: (await listWebhookEndpoints(db, organizationId)).map(toAnswer),
      }),
    );

    app.get(
      '/v1/admin/webhook-endpoints/:id',
      {
        schema: {
          ...shared,
          summary: 'One endpoint',
          params: schemas.EndpointParams,
          response: { 200: schemas.EndpointAnswer, ...problems(...common, 404) },
        },
      },
      async (request) => {
        const endpoint = await findWebhookEndpoint(db, organizationId, request.params.id);
        if (endpoint === undefined) throw new ProblemError('NOT_FOUND');
        return { ok: true as const, endpoint: toAnswer(endpoint) };
      },
    );

    app.patch(
      '/v1/admin/webhook-endpoints/:id',
      {
        schema: {
          ...shared,
          summary: 'Change an endpoint, or switch it on or off',
          description: 'While it is off no deliveries are made for it; what is pending waits.',
          params: schemas.EndpointParams,
          body: schemas.ChangeBody,
          response: { 200: schemas.EndpointAnswer, ...problems(...withBody, 404) },
        },
      },
      async (request) => {
        const changed = await endpoints.change(request.params.id, request.body);
        if (changed.kind === 'url_refused') throw urlProblem(changed.reason);
        if (changed.kind === 'unknown') throw new ProblemError('NOT_FOUND');
        request.log.info({ endpointId: changed.endpoint.id }, 'admin.endpoint_changed');
        return { ok: true as const, endpoint: toAnswer(changed.endpoint) };
      },
    );

    app.post(
      '/v1/admin/webhook-endpoints/:id/rotate',
      {
        schema: {
          ...shared,
          summary: 'Give an endpoint a new secret',
          description:
            'Until the overlap is over both secrets sign, so that the receiver can change in peace.',
          params: schemas.EndpointParams,
          body: schemas.RotateBody,
          response: { 200: schemas.SecretAnswer, ...problems(...withBody, 404) },
        },
      },
      async (request) => {
        const overlapSeconds = request.body.overlapSeconds ?? overlapSecondsDefault;
        const rotated = await endpoints.rotate(request.params.id, overlapSeconds);
        if (rotated.kind === 'unknown') throw new ProblemError('NOT_FOUND');
        request.log.info({ endpointId: rotated.endpoint.id }, 'admin.endpoint_rotated');
        return { ok: true as const, endpoint: toAnswer(rotated.endpoint), secret: rotated.secret.reveal() };
      },
    );

    app.delete(
      '/v1/admin/webhook-endpoints/:id',
      {
        schema: {
          ...shared,
          summary: 'Send nothing there any more',
          description: 'Its deliveries go with it; the events stay in the feed.',
          params: schemas.EndpointParams,
          response: { 200: schemas.OkAnswer, ...problems(...withBody, 404) },
        },
      },
      async (request) => {
        if (!(await deleteWebhookEndpoint(db, organizationId, request.params.id)))
          throw new ProblemError('NOT_FOUND');
        request.log.info({ endpointId: request.params.id }, 'admin.endpoint_deleted');
        return { ok: true as const };
      },
    );
  };
