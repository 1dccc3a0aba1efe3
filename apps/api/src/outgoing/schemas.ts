import { type TSchema, Type } from 'typebox';
import { outgoingEventTypes } from '@reconfirm/core/outgoing/event';

const closed = { additionalProperties: false } as const;
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Instant = Type.String({ format: 'date-time' });
const Id = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
const Sequence = Type.String({ pattern: '^[0-9]{1,18}$' });
const EventType = Type.Enum(outgoingEventTypes);
const Limit = Type.String({ pattern: '^([1-9]|[1-9][0-9]|100)$', description: '1 to 100, default 50' });

const Url = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: 'https, on an allowed port (EVENT_PORTS), and the host must resolve to public addresses only',
  examples: ['https://app.example.com/hooks/reconfirm'],
});
const EventTypes = Type.Array(EventType, {
  uniqueItems: true,
  maxItems: outgoingEventTypes.length,
  description: 'Which events it gets; empty: all',
});

export const CreateBody = Type.Object({ url: Url, eventTypes: Type.Optional(EventTypes) }, closed);
export const ChangeBody = Type.Object(
  {
    url: Type.Optional(Url),
    eventTypes: Type.Optional(EventTypes),
    active: Type.Optional(Type.Boolean()),
  },
  { ...closed, minProperties: 1 },
);
export const RotateBody = Type.Object(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        description: 'How long the secret before signs too; default a day',
      }),
    ),
  },
  closed,
);
export const ReplayBody = Type.Union(
  [
    Type.Object({ eventId: Id }, closed),
    Type.Object({ from: Instant, to: Instant }, closed),
    Type.Object({ status: Type.Literal('dead') }, closed),
  ],
  { description: 'One event, those that happened in a span of time, or all that were given up' },
);
export const EndpointParams = Type.Object({ id: Id }, closed);
export const DeliveriesQuery = Type.Object(
  {
    status: Type.Optional(Type.Enum(['pending', 'delivered', 'dead'])),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Sequence),
  },
  closed,
);
export const EventsQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,18}$', description: '`next` of the answer before; default 0' }),
    ),
    types: Type.Optional(
      Type.String({
        pattern: `^(${outgoingEventTypes.join('|')})(,(${outgoingEventTypes.join('|')}))*$`.replaceAll(
          '.',
          '\\.',
        ),
        description: 'One or several types with commas between',
      }),
    ),
    limit: Type.Optional(Limit),
  },
  closed,
);

const Endpoint = Type.Object({
  id: Type.String(),
  url: Type.String(),
  eventTypes: Type.Array(Type.String()),
  active: Type.Boolean(),
  disabledReason: nullable(
    Type.String({ description: 'gone: it answered 410. switched_off: by an operator' }),
  ),
  previousSecretUntil: nullable(Instant),
  createdAt: Instant,
});
export const EndpointAnswer = Type.Object({ ok: Type.Literal(true), endpoint: Endpoint });
export const EndpointsAnswer = Type.Object({ ok: Type.Literal(true), endpoints: Type.Array(Endpoint) });
export const SecretAnswer = Type.Object({
  ok: Type.Literal(true),
  endpoint: Endpoint,
  secret: Type.String({ description: 'Shown once. Give it to any Standard Webhooks library.' }),
});
export const OkAnswer = Type.Object({ ok: Type.Literal(true) });
export const ReplayAnswer = Type.Object({
  ok: Type.Literal(true),
  replayed: Type.Integer({ description: 'Deliveries that are due again, at most 10,000 in one call' }),
});
export const TestAnswer = Type.Object({ ok: Type.Literal(true), eventId: Type.String() });
export const DeliveriesAnswer = Type.Object({
  ok: Type.Literal(true),
  deliveries: Type.Array(
    Type.Object({
      id: Type.String(),
      eventId: Type.String(),
      eventType: Type.String(),
      sequence: Type.Integer(),
      status: Type.String(),
      failures: Type.Integer(),
      nextAt: nullable(Instant),
      deliveredAt: nullable(Instant),
      attempts: Type.Array(
        Type.Object({
          at: Type.String(),
          tookMs: Type.Integer(),
          statusCode: nullable(Type.Integer()),
          failure: nullable(Type.String()),
        }),
      ),
    }),
  ),
  nextCursor: nullable(Type.String()),
});

const nullableText = nullable(Type.String());
export const EventsAnswer = Type.Object({
  ok: Type.Literal(true),
  events: Type.Array(
    Type.Object({
      id: Type.String({ description: 'The same as `webhook-id`' }),
      type: EventType,
      timestamp: Instant,
      data: Type.Object({
        sequence: Type.Integer({ description: 'Without gaps in one organization, in the order of the feed' }),
        organizationId: Type.String(),
        account: nullable(
          Type.Object({
            id: Type.String(),
            email: nullableText,
            phone: nullableText,
            status: nullableText,
            emailIsDisposable: Type.Optional(
              Type.Boolean({
                description: 'With DISPOSABLE_DOMAINS=flag or refuse, of an account with an address',
              }),
            ),
          }),
        ),
        message: nullable(Type.Object({ id: Type.String() })),
        channel: nullableText,
        purpose: nullableText,
        method: nullableText,
        reason: nullableText,
      }),
    }),
  ),
  next: Type.String({ description: 'Give it as `after` next time' }),
});
