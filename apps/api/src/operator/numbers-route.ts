import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import { supportedLocales } from '@reconfirm/core/locale';
import { reportingProviders } from '@reconfirm/core/delivery-state';
import { numberDimensions, parseDimensions, ratesOf } from '@reconfirm/core/numbers';
import type { Secret } from '@reconfirm/core/secret';
import type { MessageNumbers, NumbersFilter } from '@reconfirm/db/numbers';
import { adminOnly } from '../admin-only.ts';
import { closed, Id, Instant, nullable, problems } from '../dialects/v1/schemas.ts';
import { ProblemError } from '../problem.ts';

export interface NumbersDependencies {
  readonly adminKey: Secret | undefined;
  readonly count: (filter: NumbersFilter) => Promise<readonly MessageNumbers[]>;
}

const dayMs = 86_400_000;
/** A month by the hour is 744 groups of each kind, and no more rows than a database counts in a second or two. */
const spanDaysMax = 31;
const groupsMax = 1000;

const NumbersQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ format: 'date-time', description: 'Accepted from then on; default: a day before `to`' }),
    ),
    to: Type.Optional(
      Type.String({
        format: 'date-time',
        description: `Accepted before then; default: now. At most ${spanDaysMax} days after \`from\``,
      }),
    ),
    by: Type.Optional(
      Type.String({
        maxLength: 60,
        description: `Some of ${numberDimensions.join(', ')} with commas; left out: everything together`,
        examples: ['provider,purpose'],
      }),
    ),
    organizationId: Type.Optional(Type.String({ ...Id, description: 'Left out: of all organizations' })),
  },
  closed,
);

const Rate = (description: string) => nullable(Type.Number({ minimum: 0, maximum: 1, description }));

const Numbers = Type.Object({
  group: Type.Partial(
    Type.Object({
      provider: Type.String({ description: '`none`: nothing was handed over' }),
      domain: Type.String({
        description: 'A large mail service, `other`, `sms`, or `none`: nothing was handed over',
      }),
      purpose: Type.String(),
      locale: Type.String({ description: 'As asked for: one of ours, `other`, or `none`' }),
      hour: Type.String({ description: 'Its beginning, in UTC' }),
    }),
  ),
  settled: Type.Integer({ description: 'Messages that nothing more is done about' }),
  notSent: Type.Integer(),
  gaveUp: Type.Integer(),
  attempted: Type.Integer({ description: 'Taken by the provider, or refused for good' }),
  sent: Type.Integer({ description: 'Taken by the provider, whatever became of it' }),
  delivered: Type.Integer(),
  bounced: Type.Integer(),
  complained: Type.Integer(),
  unconfirmed: Type.Integer({
    description: 'Taken more than a day ago by a provider that reports deliveries, and not reported',
  }),
  verified: Type.Integer({ description: 'Messages whose link or code was used' }),
  rates: Type.Object({
    delivery: Rate('Of what was handed to providers that report deliveries'),
    bounce: Rate('Of `attempted`'),
    complaint: Rate('Of `sent`'),
    conversion: Rate('Of what was sent with a link or code of ours'),
  }),
});

const NumbersAnswer = Type.Object({
  ok: Type.Literal(true),
  from: Instant,
  to: Instant,
  numbers: Type.Array(Numbers, { description: 'The largest group first' }),
  truncated: Type.Boolean({ description: `There are more than ${groupsMax} groups` }),
});

/** How many messages arrive, bounce, are complained about and do what they are for, counted from the rows. */
export const numbersRoute =
  (deps: NumbersDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));

    app.get(
      '/v1/admin/numbers',
      {
        schema: {
          tags: ['Operator'],
          security: [{ adminKey: [] }],
          summary: 'Delivery, bounces, complaints and conversion',
          description:
            'Counted from the messages on record, each by where it stands now; those that still wait and tests of an operator are not counted. A rate is null where there is nothing to take a share of.',
          querystring: NumbersQuery,
          response: { 200: NumbersAnswer, ...problems(400, 401, 503) },
        },
      },
      async (request) => {
        const { organizationId } = request.query;
        const span = readSpan(request.query);
        const by = parseDimensions(request.query.by ?? '');
        if ('problem' in by) throw invalid('by', by.problem);
        const groups = await deps.count({
          ...span,
          by,
          ...(organizationId !== undefined && { organizationId }),
          reporting: { email: reportingProviders('email'), sms: reportingProviders('sms') },
          locales: supportedLocales,
          limit: groupsMax + 1,
        });
        return {
          ok: true as const,
          from: span.from.toISOString(),
          to: span.to.toISOString(),
          numbers: groups.slice(0, groupsMax).map((group) => ({ ...group, rates: ratesOf(group) })),
          truncated: groups.length > groupsMax,
        };
      },
    );
  };

const readSpan = (query: { readonly from?: string; readonly to?: string }): { from: Date; to: Date } => {
  const to = query.to === undefined ? new Date() : new Date(query.to);
  const from = query.from === undefined ? new Date(to.getTime() - dayMs) : new Date(query.from);
  if (!(from.getTime() < to.getTime())) throw invalid('from', 'must be earlier than `to`');
  if (to.getTime() - from.getTime() > spanDaysMax * dayMs)
    throw invalid('from', `must be at most ${spanDaysMax} days before \`to\``);
  return { from, to };
};

const invalid = (field: string, message: string): ProblemError =>
  new ProblemError('VALIDATION_FAILED', { errors: [{ field, message, code: field }] });
