import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import { isIP } from 'node:net';
import { limitedPurposes } from '@reconfirm/core/purposes/policy';
import { purposes } from '@reconfirm/core/purposes/registry';
import type { Secret } from '@reconfirm/core/secret';
import { adminOnly } from '../../admin-only.ts';
import type { CheckLimits } from '../../check-limits.ts';
import { ProblemError } from '../../problem.ts';
import { readDestination, type RequestRules } from './read-request.ts';
import { closed, Email, Id, Phone, problems } from './schemas.ts';

export interface LimitCheckDependencies {
  readonly adminKey: Secret | undefined;
  readonly checkLimits: CheckLimits;
  /** Contracts that are spoken here and count clients and addresses. */
  readonly contracts: readonly string[];
  readonly defaultOrganizationId: string;
  readonly requestRulesOf: (organizationId: string) => RequestRules;
  readonly isOrganization: (id: string) => Promise<boolean>;
}

const CheckBody = Type.Object(
  {
    email: Type.Optional(Email),
    phone: Type.Optional(Phone),
    ip: Type.String({ maxLength: 64, description: 'Address of the client', examples: ['203.0.113.7'] }),
    purpose: Type.Optional(Type.Enum([...limitedPurposes], { description: 'Default: signup' })),
    contract: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'By which it would be asked. Default: the first of CONTRACTS',
      }),
    ),
    organizationId: Type.Optional(Id),
  },
  closed,
);

const Bucket = Type.Enum(['ip', 'address'], {
  description:
    '`ip`: the client, over all that it asks for. `address`: one mailbox or number, for the purpose.',
});

const CheckAnswer = Type.Object({
  ok: Type.Literal(true),
  allowed: Type.Boolean(),
  refusedBy: Type.Union([Bucket, Type.Null()], {
    description:
      'The bucket that would refuse. A full `ip` asks for a captcha first, where one is configured.',
  }),
  smsRefusal: Type.Union([Type.String(), Type.Null()], {
    description: 'Why no SMS goes to this number, whatever the limits say',
  }),
  retryAfterSeconds: Type.Integer({ description: 'Until no bucket refuses any more' }),
  nextAllowedAt: Type.String({ format: 'date-time' }),
  buckets: Type.Array(
    Type.Object({
      bucket: Bucket,
      allowed: Type.Boolean(),
      retryAfterSeconds: Type.Integer(),
      windows: Type.Array(
        Type.Object({
          max: Type.Integer(),
          windowSeconds: Type.Integer(),
          remaining: Type.Integer(),
          resetSeconds: Type.Integer({ description: 'Until the oldest counted request leaves the window' }),
        }),
      ),
    }),
  ),
});

/** What the limits would say to a request, for whoever has to explain a 429. Nothing is charged. */
export const limitCheckRoute =
  (deps: LimitCheckDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));

    app.post(
      '/v1/admin/limits/check',
      {
        schema: {
          tags: ['Operator'],
          security: [{ adminKey: [] }],
          summary: 'Which limit would refuse a request?',
          description: 'A dry run: nothing is charged, sent or stored, however often it is asked.',
          body: CheckBody,
          response: { 200: CheckAnswer, ...problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request) => {
        const { body } = request;
        const organizationId = body.organizationId ?? deps.defaultOrganizationId;
        const contract = body.contract ?? deps.contracts[0] ?? '';
        const purpose = purposes[body.purpose ?? 'signup'];
        if (!deps.contracts.includes(contract))
          throw wrong('contract', `must be one of ${deps.contracts.join(', ')}`);
        if (isIP(body.ip) === 0) throw wrong('ip', 'must be an IPv4 or IPv6 address');
        if (!(await deps.isOrganization(organizationId))) throw new ProblemError('NOT_FOUND');
        const check = await deps.checkLimits(contract, {
          organizationId,
          purpose,
          destination: readDestination(body, purpose, deps.requestRulesOf(organizationId)),
          clientAddress: body.ip,
        });
        return {
          ok: true as const,
          allowed: check.refusedBy === null && check.smsRefusal === null,
          refusedBy: check.refusedBy,
          smsRefusal: check.smsRefusal,
          retryAfterSeconds: check.retryAfterSeconds,
          nextAllowedAt: new Date(Date.now() + check.retryAfterSeconds * 1000).toISOString(),
          buckets: check.buckets.map(({ kind, allowed, retryAfterSeconds, states }) => ({
            bucket: kind,
            allowed,
            retryAfterSeconds,
            windows: states.map(({ limit, remaining, resetSeconds }) => ({
              ...limit,
              remaining,
              resetSeconds,
            })),
          })),
        };
      },
    );
  };

const wrong = (field: string, message: string): ProblemError =>
  new ProblemError('VALIDATION_FAILED', { errors: [{ field, message, code: field }] });
