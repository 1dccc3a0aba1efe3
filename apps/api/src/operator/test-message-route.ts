import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import { logLabel } from '@reconfirm/core/keyed-hash';
import type { Secret } from '@reconfirm/core/secret';
import { testedPurposeOf, testedPurposes } from '@reconfirm/core/test-message';
import { adminOnly } from '../admin-only.ts';
import { answerResend } from '../dialects/v1/answers.ts';
import { readDestination, readLocale, type RequestRules } from '../dialects/v1/read-request.ts';
import { closed, Email, Id, ResendHeaders, Locale, Phone, problems } from '../dialects/v1/schemas.ts';
import { ProblemError } from '../problem.ts';
import { rateLimitHeaders } from '../rate-limit-headers.ts';
import { addressKeyOf, type KeySettings } from '../request-keys.ts';
import type { TellDecision } from '../tell-decision.ts';
import type { SendTestMessage } from './test-messages.ts';

export interface TestMessageDependencies {
  readonly adminKey: Secret | undefined;
  readonly keys: KeySettings;
  readonly defaultOrganizationId: string;
  readonly isOrganization: (id: string) => Promise<boolean>;
  readonly requestRulesOf: (organizationId: string) => RequestRules;
  readonly send: SendTestMessage;
  readonly decided: TellDecision;
}

const TestBody = Type.Object(
  {
    email: Type.Optional(Email),
    phone: Type.Optional(Phone),
    purpose: Type.Optional(
      Type.Enum([...testedPurposes.email, ...testedPurposes.sms], {
        description: 'Which message it looks like. Default: signup, or sms',
      }),
    ),
    locale: Type.Optional(Locale),
    organizationId: Type.Optional(
      Type.String({
        ...Id,
        description: 'Whose sender, brand and language; left out: the first organization’s',
      }),
    ),
  },
  closed,
);

const TestAnswer = Type.Object({
  ok: Type.Literal(true),
  messageId: Type.String({ description: 'Its story: GET /v1/admin/messages/:id' }),
});

/** Does mail arrive? A message that takes the path of every other one, and whose link and code open nothing. */
export const testMessageRoute =
  (deps: TestMessageDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));

    app.post(
      '/v1/admin/test-messages',
      {
        schema: {
          tags: ['Operator'],
          security: [{ adminKey: [] }],
          summary: 'Send a test message',
          description:
            'Through the queue, a worker, the organization’s settings, the template and the provider, like every message. Its link and code are made up and open nothing. `GET /v1/admin/messages/:id` tells what became of it, with what the provider answered.',
          headers: ResendHeaders,
          body: TestBody,
          response: { 202: TestAnswer, ...problems(400, 401, 404, 413, 415, 422, 429, 503) },
        },
      },
      async (request, reply) => {
        const { email, phone, locale } = request.body;
        const organizationId = request.body.organizationId ?? deps.defaultOrganizationId;
        if (!(await deps.isOrganization(organizationId))) throw new ProblemError('NOT_FOUND');
        const channel = phone !== undefined && email === undefined ? 'sms' : 'email';
        const destination = readDestination(
          { ...(email !== undefined && { email }), ...(phone !== undefined && { phone }) },
          { channel },
          deps.requestRulesOf(organizationId),
        );
        const purpose = testedPurposeOf(channel, request.body.purpose);
        if (purpose === undefined) throw wrongPurpose(channel);
        const outcome = await deps.send({
          organizationId,
          destination,
          purpose,
          locale: readLocale(locale),
          idempotencyKey: request.headers['idempotency-key'],
        });
        deps.decided(request, { what: 'test', organizationId, destination }, outcome);
        if (outcome.kind === 'limited')
          throw new ProblemError('TEST_MESSAGE_LIMIT', {
            headers: rateLimitHeaders(outcome.limits, outcome.by),
          });
        const { headers } = answerResend(outcome, '503');
        if (outcome.kind !== 'accepted' && outcome.kind !== 'replayed')
          throw new ProblemError('INTERNAL_ERROR');
        const { messageId } = outcome;
        const addressLabel = logLabel(addressKeyOf(deps.keys, organizationId, destination.lookupForm));
        request.log.info({ messageId, organizationId, purpose, addressLabel }, 'admin.test_message_asked');
        return reply
          .code(202)
          .headers(headers)
          .send({ ok: true as const, messageId });
      },
    );
  };

const wrongPurpose = (channel: keyof typeof testedPurposes): ProblemError =>
  new ProblemError('VALIDATION_FAILED', {
    errors: [
      {
        field: 'purpose',
        message: `must be one of ${testedPurposes[channel].join(', ')} here`,
        code: 'purpose',
      },
    ],
  });
