import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type OutgoingEventType, outgoingPayload } from '@reconfirm/core/outgoing/event';
import type { Secret } from '@reconfirm/core/secret';
import type { Database } from '@reconfirm/db/database';
import { listOutgoingEvents, makeTestEvent, numberEvents } from '@reconfirm/db/outgoing-events';
import {
  type DeliveryLogEntry,
  listDeliveries,
  replayDeliveries,
  type ReplayChoice,
} from '@reconfirm/db/webhook-deliveries';
import { findWebhookEndpoint, type WebhookEndpoint } from '@reconfirm/db/webhook-endpoints';
import { disposableOfEvent, type JudgeDisposable } from '@reconfirm/process/disposable-domains';
import { adminOnly } from '../admin-only.ts';
import { problems } from '../dialects/v1/schemas.ts';
import { ProblemError } from '../problem.ts';
import * as schemas from './schemas.ts';

export interface EventRoutesOptions {
  readonly db: Database;
  readonly adminKey: Secret | undefined;
  readonly organizationId: string;
  readonly judgeDisposable: JudgeDisposable;
}

const pageSizeDefault = 50;
/** So many events get their number before the feed is read; a running worker has numbered them long before. */
const numberedMax = 1000;
const shared = { tags: ['Events'], security: [{ adminKey: [] }] };

const toLogLine = (delivery: DeliveryLogEntry) => ({
  ...delivery,
  sequence: Number(delivery.sequence),
  nextAt: delivery.status === 'pending' ? delivery.nextAt.toISOString() : null,
  deliveredAt: delivery.deliveredAt?.toISOString() ?? null,
  attempts: [...delivery.attempts],
});

/** What was told and what became of it: the feed, the log of deliveries, sending again, trying out. */
export const eventRoutes =
  ({ db, adminKey, organizationId, judgeDisposable }: EventRoutesOptions): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(adminKey));

    const known = async (id: string): Promise<WebhookEndpoint> => {
      const endpoint = await findWebhookEndpoint(db, organizationId, id);
      if (endpoint === undefined) throw new ProblemError('NOT_FOUND');
      return endpoint;
    };
    const active = async (id: string): Promise<void> => {
      if (!(await known(id)).active) throw new ProblemError('WEBHOOK_ENDPOINT_INACTIVE');
    };

    app.get(
      '/v1/admin/events',
      {
        schema: {
          ...shared,
          summary: 'What happened, to be fetched',
          description:
            'The same events as webhooks carry, oldest first. For an application that was down, or wants no webhooks: give `next` as `after`.',
          querystring: schemas.EventsQuery,
          response: { 200: schemas.EventsAnswer, ...problems(400, 401, 503) },
        },
      },
      async (request) => {
        const { after = '0', types, limit } = request.query;
        await numberEvents(db, numberedMax);
        const events = await listOutgoingEvents(db, {
          organizationId,
          after,
          limit: Number(limit ?? pageSizeDefault),
          ...(types === undefined ? {} : { types: types.split(',') as OutgoingEventType[] }),
        });
        return {
          ok: true as const,
          events: events.map((event) => ({
            id: event.id,
            ...outgoingPayload(event, disposableOfEvent(judgeDisposable, event)),
            type: event.type as OutgoingEventType,
          })),
          next: events.at(-1)?.sequence ?? after,
        };
      },
    );

    app.get(
      '/v1/admin/webhook-endpoints/:id/deliveries',
      {
        schema: {
          ...shared,
          summary: 'What became of the events of an endpoint, newest first',
          params: schemas.EndpointParams,
          querystring: schemas.DeliveriesQuery,
          response: { 200: schemas.DeliveriesAnswer, ...problems(400, 401, 404, 503) },
        },
      },
      async (request) => {
        const { status, limit, cursor } = request.query;
        const { id: endpointId } = await known(request.params.id);
        const size = Number(limit ?? pageSizeDefault);
        const found = await listDeliveries(db, { endpointId, status, beforeId: cursor, limit: size + 1 });
        const page = found.slice(0, size);
        return {
          ok: true as const,
          deliveries: page.map(toLogLine),
          nextCursor: found.length > size ? (page.at(-1)?.id ?? null) : null,
        };
      },
    );

    app.post(
      '/v1/admin/webhook-endpoints/:id/replay',
      {
        schema: {
          ...shared,
          summary: 'Send events again',
          description: 'With the same ids, so that a receiver that has one already passes over it.',
          params: schemas.EndpointParams,
          body: schemas.ReplayBody,
          response: { 200: schemas.ReplayAnswer, ...problems(400, 401, 404, 409, 413, 415, 503) },
        },
      },
      async (request) => {
        await active(request.params.id);
        const replayed = await replayDeliveries(db, request.params.id, choiceOf(request.body));
        request.log.info({ endpointId: request.params.id, replayed }, 'admin.events_replayed');
        return { ok: true as const, replayed };
      },
    );

    app.post(
      '/v1/admin/webhook-endpoints/:id/test',
      {
        schema: {
          ...shared,
          summary: 'Send an event of type endpoint.test',
          params: schemas.EndpointParams,
          response: { 200: schemas.TestAnswer, ...problems(400, 401, 404, 409, 413, 415, 503) },
        },
      },
      async (request) => {
        await active(request.params.id);
        const eventId = await makeTestEvent(db, organizationId, request.params.id);
        if (eventId === undefined) throw new ProblemError('NOT_FOUND');
        return { ok: true as const, eventId };
      },
    );
  };

type ReplayBody =
  | { readonly eventId: string }
  | { readonly from: string; readonly to: string }
  | { readonly status: 'dead' };

const choiceOf = (body: ReplayBody): ReplayChoice =>
  'from' in body ? { from: new Date(body.from), to: new Date(body.to) } : body;
