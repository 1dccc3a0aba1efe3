import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { logLabel } from '@reconfirm/core/keyed-hash';
import type { MessageStatus } from '@reconfirm/core/message';
import { purposeNames } from '@reconfirm/core/purposes/registry';
import { explainMessage } from '@reconfirm/core/timeline';
import type { MessageHistory } from '@reconfirm/db/message-history';
import { adminOnly } from '../../admin-only.ts';
import { ProblemError } from '../../problem.ts';
import { addressKeyOf, subjectKeyOf } from '../../request-keys.ts';
import { accountStatusOf, eventOf, messageOf, tenantOf } from './answers.ts';

import type { V1Dependencies } from './dependencies.ts';
import { readAddress } from './read-request.ts';
import * as schemas from './schemas.ts';

const pageSizeDefault = 20;

/** What an operator may ask: why no mail came, and to set a tenant right by hand. */
export const adminRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));
    const shared = { tags: ['Operator'], security: [{ adminKey: [] }] };

    app.get(
      '/v1/admin/messages',
      {
        schema: {
          ...shared,
          summary: 'Messages, newest first',
          description:
            'Every accepted request is one message, also when nothing was sent. Filter by address, tenant or status.',
          querystring: schemas.MessagesQuery,
          response: { 200: schemas.MessagesAnswer, ...schemas.problems(400, 401, 503) },
        },
      },
      async (request) => {
        const { address, tenantId, status, limit, cursor } = request.query;
        const size = Number(limit ?? pageSizeDefault);
        const addressKey =
          address === undefined
            ? undefined
            : addressKeyOf(
                deps.keys,
                deps.organizationId,
                readAddress(address, deps.requestRulesOf(deps.organizationId)).lookupForm,
              );
        const messages = await deps.listMessages({
          organizationId: deps.organizationId,
          limit: size + 1,
          ...(addressKey === undefined
            ? {}
            : { subjectKeys: purposeNames.map((name) => subjectKeyOf(name, addressKey)) }),
          ...(tenantId === undefined ? {} : { accountId: tenantId }),
          ...(status === undefined ? {} : { statuses: status.split(',') as MessageStatus[] }),
          ...(cursor === undefined ? {} : { beforeId: cursor }),
        });
        const page = messages.slice(0, size);
        return {
          ok: true as const,
          messages: page.map(messageOf),
          nextCursor: messages.length > size ? (page.at(-1)?.id ?? null) : null,
          ...(addressKey === undefined ? {} : { addressLabel: logLabel(addressKey) }),
        };
      },
    );

    app.get(
      '/v1/admin/messages/:id',
      {
        schema: {
          ...shared,
          summary: 'Why no mail?',
          description:
            'The whole timeline of one message: what was asked, what was tried, what the provider reported.',
          params: schemas.IdParams,
          response: { 200: schemas.MessageAnswer, ...schemas.problems(400, 401, 404, 503) },
        },
      },
      async (request) => {
        const history = await deps.findMessage(deps.organizationId, request.params.id);
        if (history === undefined) throw new ProblemError('NOT_FOUND');
        const { summary, entries } = explainMessage(timelineFacts(history), new Date());
        return {
          ok: true as const,
          message: messageOf(history.message),
          summary,
          timeline: entries.map((entry) => ({ ...entry, at: entry.at.toISOString() })),
        };
      },
    );

    app.post(
      '/v1/admin/tenants/:id/verify',
      {
        schema: {
          ...shared,
          summary: 'Mark a tenant as verified by hand',
          description:
            'The way out when no mail can reach the person, or EMAIL_PROVIDER=none. Repeating changes nothing.',
          params: schemas.IdParams,
          response: { 200: schemas.TenantAnswer, ...schemas.problems(400, 401, 404, 503) },
        },
      },
      async (request) => {
        const account = await deps.verifyByAdmin(request.params.id);
        if (account === undefined) throw new ProblemError('NOT_FOUND');
        request.log.info({ tenantId: account.id }, 'admin.tenant_verified');
        return { ok: true as const, tenant: tenantOf(account) };
      },
    );

    app.patch(
      '/v1/admin/tenants/:id/status',
      {
        schema: {
          ...shared,
          summary: 'Set the state of a tenant',
          params: schemas.IdParams,
          body: schemas.StatusBody,
          response: { 200: schemas.TenantAnswer, ...schemas.problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request) => {
        const account = await deps.changeStatus(request.params.id, accountStatusOf(request.body.status));
        if (account === undefined) throw new ProblemError('NOT_FOUND');
        request.log.info({ tenantId: account.id, status: account.status }, 'admin.tenant_status_changed');
        return { ok: true as const, tenant: tenantOf(account) };
      },
    );

    app.get(
      '/v1/admin/tenants/:id/events',
      {
        schema: {
          ...shared,
          summary: 'What happened to a tenant, oldest first',
          params: schemas.IdParams,
          response: { 200: schemas.EventsAnswer, ...schemas.problems(400, 401, 404, 503) },
        },
      },
      async (request) => {
        const events = await deps.listEvents(request.params.id);
        // A tenant that nothing happened to is told from one that does not exist.
        if (events.length === 0 && (await deps.findAccount(request.params.id)) === undefined)
          throw new ProblemError('NOT_FOUND');
        return { ok: true as const, events: events.map(eventOf) };
      },
    );
  };

/** A stored history in the words of the rules. */
const timelineFacts = (history: MessageHistory): Parameters<typeof explainMessage>[0] => ({
  message: { ...history.message, newerAcceptedAt: history.newerAcceptedAt },
  attempts: history.attempts.map((attempt) => ({
    number: attempt.number,
    provider: attempt.provider,
    startedAt: attempt.started_at,
    finishedAt: attempt.finished_at,
    result: attempt.result,
    code: attempt.code,
    reply: attempt.reply,
  })),
  events: history.events.map((event) => ({
    type: event.type,
    bounce: event.bounce,
    reason: event.reason,
    occurredAt: event.occurred_at,
    receivedAt: event.received_at,
  })),
  verification:
    history.verification === null
      ? null
      : {
          createdAt: history.verification.created_at,
          expiresAt: history.verification.expires_at,
          consumedAt: history.verification.consumed_at,
          revokedAt: history.verification.revoked_at,
        },
  suppression:
    history.suppression === null
      ? null
      : {
          id: history.suppression.id,
          reason: history.suppression.reason,
          detail: history.suppression.detail,
          suppressedAt: history.suppression.suppressed_at,
          expiresAt: history.suppression.expires_at,
          liftedAt: history.suppression.lifted_at,
          isOfThisMessage: history.suppression.message_id === history.message.id,
        },
});
