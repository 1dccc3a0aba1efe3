import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import type { Secret } from '@reconfirm/core/secret';
import { microsPerUnit } from '@reconfirm/core/sms-policy';
import type { CountryConversion, SmsPause } from '@reconfirm/db/sms-spend';
import { adminOnly } from '../../admin-only.ts';
import { ProblemError } from '../../problem.ts';
import { problems } from './schemas.ts';

export interface SmsAdminDependencies {
  readonly adminKey: Secret | undefined;
  readonly listPauses: () => Promise<readonly SmsPause[]>;
  readonly lastDay: () => Promise<readonly CountryConversion[]>;
  /** False when nothing of that name is paused. */
  readonly release: (scope: string) => Promise<boolean>;
}

const Scope = Type.String({
  pattern: '^(prefix:\\+[1-9][0-9]{2,6}|country:[A-Z]{2})$',
  description: 'A number block as prefix:+4520123, or a country as country:DK',
});

const SmsState = Type.Object({
  ok: Type.Literal(true),
  pauses: Type.Array(
    Type.Object({
      scope: Scope,
      pausedAt: Type.String({ format: 'date-time' }),
      sent: Type.Integer({ description: 'SMS that were judged' }),
      verified: Type.Integer({ description: 'Of these, the ones whose code was used' }),
    }),
  ),
  lastDay: Type.Array(
    Type.Object({
      country: Type.String(),
      sent: Type.Integer(),
      verified: Type.Integer(),
      cost: Type.Number({ description: 'In the currency of SMS_PRICES' }),
    }),
  ),
});

const shared = { tags: ['Operator'], security: [{ adminKey: [] }] };

/** What an operator may see and do about SMS: what they cost, what is paused, and letting it go again. */
export const smsAdminRoutes =
  (deps: SmsAdminDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));

    app.get(
      '/v1/admin/sms',
      {
        schema: {
          ...shared,
          summary: 'SMS of the last day by country, and what is paused',
          description:
            'A number block or a country is paused when too few of its codes were used (SMS_PAUSE_BELOW_PERCENT).',
          response: { 200: SmsState, ...problems(401, 503) },
        },
      },
      async () => {
        const [pauses, lastDay] = await Promise.all([deps.listPauses(), deps.lastDay()]);
        return {
          ok: true as const,
          pauses: pauses.map(({ scope, pausedAt, sends, verified }) => ({
            scope,
            pausedAt: pausedAt.toISOString(),
            sent: sends,
            verified,
          })),
          lastDay: lastDay.map(({ costMicros, ...country }) => ({
            ...country,
            cost: costMicros / microsPerUnit,
          })),
        };
      },
    );

    app.post(
      '/v1/admin/sms/release',
      {
        schema: {
          ...shared,
          summary: 'Let SMS to a number block or a country go again',
          description: 'It is judged anew by what is sent from now on.',
          body: Type.Object({ scope: Scope }, { additionalProperties: false }),
          response: {
            200: Type.Object({ ok: Type.Literal(true), scope: Scope }),
            ...problems(400, 401, 404, 413, 415, 503),
          },
        },
      },
      async (request) => {
        const { scope } = request.body;
        if (!(await deps.release(scope))) throw new ProblemError('SMS_SCOPE_NOT_PAUSED');
        request.log.info({ scope }, 'admin.sms_released');
        return { ok: true as const, scope };
      },
    );
  };
