import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { logLabel } from '@reconfirm/core/keyed-hash';
import { isUsed, limitsInWords, type PurposeLimit } from '@reconfirm/core/limit-words';
import type { MessageStatus } from '@reconfirm/core/message';
import { explainMessage } from '@reconfirm/core/timeline';
import type { MessageHistory } from '@reconfirm/db/message-history';
import { adminOnly } from '../../admin-only.ts';
import type { AddressLimits } from '../../operator/address-limits.ts';
import { ProblemError } from '../../problem.ts';
import { addressKeyOf, subjectKeysOf } from '../../request-keys.ts';
import { accountStatusOf, eventOf, limitOf, messageOf, tenantOf } from './answers.ts';
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
            'Every accepted request is one message, also when nothing was sent. Filter by address (e-mail or phone), tenant or status. With an address the answer also says what its limits are now: a request that a limit refused left no message.',
          querystring: schemas.MessagesQuery,
          response: { 200: schemas.MessagesAnswer, ...schemas.problems(400, 401, 503) },
        },
      },
      async (request) => {
        const { address, tenantId, status, limit, cursor } = request.query;
        const organizationId = request.query.organizationId ?? deps.organizationId;
        const size = Number(limit ?? pageSizeDefault);
        const wanted =
          address === undefined ? undefined : readAddress(address, deps.requestRulesOf(organizationId));
        const key = wanted && addressKeyOf(deps.keys, organizationId, wanted.lookupForm);
        const messages = await deps.listMessages({
          organizationId,
          limit: size + 1,
          ...(key && { address: { key, subjectKeys: subjectKeysOf(key) } }),
          ...(tenantId === undefined ? {} : { accountId: tenantId }),
          ...(status === undefined ? {} : { statuses: status.split(',') as MessageStatus[] }),
          ...(cursor === undefined ? {} : { beforeId: cursor }),
        });
        const page = messages.slice(0, size);
        const limits =
          wanted?.limitForm !== undefined ? await readLimits(request, organizationId, wanted) : undefined;
        return {
          ok: true as const,
          messages: page.map((message) => messageOf(message, new Date())),
          nextCursor: messages.length > size ? (page.at(-1)?.id ?? null) : null,
          ...(key && { addressLabel: logLabel(key) }),
          ...(limits && { limits: limits.filter(isUsed).map(limitOf), limitsSummary: limitsInWords(limits) }),
        };
      },
    );

    /** Undefined while the limiter does not answer: the messages are told all the same. */
    const readLimits = async (
      request: FastifyRequest,
      ...asked: Parameters<AddressLimits>
    ): Promise<readonly PurposeLimit[] | undefined> => {
      try {
        return await deps.addressLimits(...asked);
      } catch (error) {
        request.log.warn({ err: error }, 'admin.limits_not_read');
        return undefined;
      }
    };

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
        const history = await deps.findMessage(request.params.id);
        if (history === undefined) throw new ProblemError('NOT_FOUND');
        const now = new Date();
        const { summary, entries } = explainMessage(timelineFacts(history), now);
        return {
          ok: true as const,
          message: messageOf(history.message, now),
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
          response: { 200: schemas.TenantAnswer, ...schemas.problems(400, 401, 404, 413, 415, 503) },
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
  lookups: history.lookups.map((lookup) => ({
    askedAt: lookup.asked_at,
    provider: lookup.provider,
    outcome: lookup.outcome,
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
