import { type Static, Type } from 'typebox';
import type { SuppressionChange, SuppressionDetails } from '@reconfirm/db/suppressions';
import { logLabel } from '@reconfirm/core/keyed-hash';
import { closed, Instant, nullable, oneLine } from './schemas.ts';

const Channel = Type.Union([Type.Literal('email'), Type.Literal('sms')]);
const Reason = Type.Union(
  [Type.Literal('hard_bounce'), Type.Literal('complaint'), Type.Literal('opt_out'), Type.Literal('operator')],
  {
    description:
      'hard_bounce: a message was refused for good; complaint: reported as spam; opt_out: STOP was sent from the number; operator: added by hand',
  },
);
const Id = Type.String({ pattern: '^[0-9]{1,18}$' });
const Address = Type.String({
  minLength: 3,
  maxLength: 320,
  description: 'An e-mail address, or a phone number with its country',
});
const who = {
  by: Type.String({
    pattern: oneLine,
    minLength: 1,
    maxLength: 100,
    description: 'Who does it: a name or a ticket. An address is not kept',
  }),
  why: Type.String({ pattern: oneLine, minLength: 1, maxLength: 200, description: 'Why, for an auditor' }),
};

export const IdParams = Type.Object({ id: Id }, closed);
export const ListQuery = Type.Object(
  {
    address: Type.Optional(Address),
    state: Type.Optional(
      Type.Union([Type.Literal('in_force'), Type.Literal('all')], {
        description: 'in_force unless given; all with those that are over or were lifted within a year',
      }),
    ),
    limit: Type.Optional(
      Type.String({ pattern: '^([1-9]|[1-9][0-9]|100)$', description: '1 to 100, default 20' }),
    ),
    cursor: Type.Optional(Type.String({ ...Id, description: '`nextCursor` of the page before' })),
  },
  closed,
);
export const AddBody = Type.Object(
  {
    address: Address,
    ...who,
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3650, description: 'Until it is lifted unless given' }),
    ),
  },
  closed,
);
export const LiftBody = Type.Object(who, closed);

const Suppression = Type.Object({
  id: Type.String(),
  addressLabel: Type.String({ description: 'Under which name the log speaks of the address' }),
  channel: Channel,
  reason: Reason,
  detail: nullable(Type.String({ description: "The server's or the provider's word for it" })),
  messageId: nullable(Type.String({ description: 'The message whose report it began with' })),
  since: Instant,
  until: nullable(Type.String({ format: 'date-time', description: 'Null: until it is lifted' })),
  inForce: Type.Boolean({ description: 'Whether nothing is sent to the address now' }),
  liftedAt: nullable(Instant),
  liftedBy: nullable(
    Type.Union([Type.Literal('operator'), Type.Literal('proof')], {
      description: 'proof: somebody used a link or a code that had reached the address',
    }),
  ),
});
export const ListAnswer = Type.Object({
  ok: Type.Literal(true),
  suppressions: Type.Array(Suppression),
  nextCursor: nullable(Type.String()),
});
export const Answer = Type.Object({ ok: Type.Literal(true), suppression: Suppression });
export const LiftAnswer = Type.Object({
  ok: Type.Literal(true),
  suppression: Suppression,
  providerList: Type.Literal('not_asked', {
    description:
      'A provider may keep a list of its own, which this call does not touch: take the address off there, too',
  }),
});
export const HistoryAnswer = Type.Object({
  ok: Type.Literal(true),
  suppression: Suppression,
  changes: Type.Array(
    Type.Object({
      at: Instant,
      change: Type.Union([Type.Literal('suppressed'), Type.Literal('lifted')]),
      by: Type.String({ description: 'report, hand_over, proof, or operator' }),
      reason: Reason,
      until: nullable(Instant),
      messageId: nullable(Type.String()),
      who: nullable(Type.String()),
      why: nullable(Type.String()),
    }),
  ),
});

/** What an account may know of its own addresses. */
export const OwnSuppression = Type.Object({
  channel: Channel,
  reason: Reason,
  since: Instant,
  until: nullable(Type.String({ format: 'date-time', description: 'Null: until an operator lifts it' })),
});

export const ownSuppressionOf = (of: SuppressionDetails): Static<typeof OwnSuppression> => ({
  channel: of.channel,
  reason: of.reason,
  since: of.suppressedAt.toISOString(),
  until: of.expiresAt?.toISOString() ?? null,
});

export const suppressionOf = (of: SuppressionDetails): Static<typeof Suppression> => ({
  ...ownSuppressionOf(of),
  id: of.id,
  addressLabel: logLabel(of.addressKey),
  detail: of.detail,
  messageId: of.messageId,
  inForce: of.isInForce,
  liftedAt: of.liftedAt?.toISOString() ?? null,
  liftedBy: of.liftedBy,
});

export const changeOf = (of: SuppressionChange) => ({
  at: of.changedAt.toISOString(),
  change: of.change,
  by: of.by,
  reason: of.reason,
  until: of.expiresAt?.toISOString() ?? null,
  messageId: of.messageId,
  who: of.who,
  why: of.why,
});
