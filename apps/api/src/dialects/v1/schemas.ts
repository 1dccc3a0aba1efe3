import { deliveryStates } from '@reconfirm/core/delivery-state';
import { type TSchema, Type } from 'typebox';
import { errorCodes } from '@reconfirm/core/error-codes';
import { tokenPattern } from '@reconfirm/core/token';

/** The longest text that any field may hold; addresses and URLs are judged further by the rules. */
const textSizeMax = 2048;

/** Text without control characters and line breaks: Postgres takes no NUL, and mail no second line. */
export const oneLine = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$';

export const Email = Type.String({
  minLength: 3,
  maxLength: 320,
  description: 'One e-mail address',
  examples: ['ana@example.com'],
});
export const Phone = Type.String({
  minLength: 3,
  maxLength: 40,
  description:
    'One mobile number with its country; without one only where the operator has named a country for such numbers (SMS_DEFAULT_COUNTRY)',
  examples: ['+4520123456'],
});
export const RedirectUrl = Type.String({
  minLength: 1,
  maxLength: textSizeMax,
  description:
    'Where the link in the mail leads; `token` is added as a query parameter. Its origin must be allowed by the operator. Given once, it is kept for later mails.',
  examples: ['https://app.example.com/verify'],
});
const languageTag = {
  pattern: '^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$',
  maxLength: 35,
  examples: ['es'],
} as const;
export const Locale = Type.String({ ...languageTag, description: 'BCP 47 language of the mail' });
export const Token = Type.String({
  pattern: tokenPattern,
  description: 'The token out of the link: 64 hex digits',
});
export const CaptchaToken = Type.String({
  minLength: 1,
  maxLength: 8192,
  pattern: '^[\\u0021-\\u007e]+$',
  description: 'What the widget of the captcha gave; see `GET /v1/captcha`. Counts once.',
});
export const closed = { additionalProperties: false } as const;

export const RegisterBody = Type.Object(
  {
    email: Email,
    name: Type.Optional(
      Type.String({
        pattern: oneLine,
        minLength: 1,
        maxLength: 100,
        description: 'How the mail addresses the person, in one line',
      }),
    ),
    locale: Type.Optional(Locale),
    preferredLanguage: Type.Optional(
      Type.String({
        ...languageTag,
        description: "The contract's own name of `locale`, which goes before it",
      }),
    ),
    verificationRedirectUrl: Type.Optional(RedirectUrl),
    captchaToken: Type.Optional(CaptchaToken),
  },
  closed,
);

export const ResendBody = Type.Object(
  {
    email: Email,
    locale: Type.Optional(Locale),
    verificationRedirectUrl: Type.Optional(RedirectUrl),
    captchaToken: Type.Optional(CaptchaToken),
  },
  closed,
);

export const ResendHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'A name of yours for this request (draft-ietf-httpapi-idempotency-key-header-07). Repeated within 24 hours it gets the first answer again.',
    }),
  ),
});

export const Nothing = Type.Null({ description: 'No content' });

export const TokenBody = Type.Object({ token: Token }, closed);
export const TokenQuery = Type.Object({ token: Token }, closed);
/** Read leniently: a person with a broken link gets a page, not a list of errors. */
export const PageQuery = Type.Object({ token: Type.Optional(Type.String({ maxLength: textSizeMax })) });
export const EmailQuery = Type.Object({ email: Email }, closed);
export const Id = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
export const IdParams = Type.Object({ id: Id }, closed);

export const TenantStatus = Type.Union(
  [
    Type.Literal('PENDING_VERIFICATION'),
    Type.Literal('ACTIVE'),
    Type.Literal('SUSPENDED'),
    Type.Literal('PAST_DUE'),
  ],
  { description: 'State of the tenant' },
);
const PublicStatus = Type.Union(
  [Type.Literal('SENT'), Type.Literal('DELIVERED'), Type.Literal('FAILED'), Type.Literal('COMPLAINED')],
  {
    description:
      'What became of the mail: taken by the provider, by the receiving server, by neither, or reported as spam',
  },
);
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Instant = Type.String({ format: 'date-time' });

export const Tenant = Type.Object({
  id: Type.String(),
  email: nullable(Type.String({ description: 'Null for an account that has a phone number only' })),
  phone: nullable(
    Type.String({ description: "In E.164; becomes the account's once its code has come back" }),
  ),
  name: nullable(Type.String()),
  status: TenantStatus,
  locale: nullable(Type.String()),
  verificationEmailStatus: nullable(PublicStatus),
  verifiedAt: nullable(Instant),
  createdAt: Instant,
});

export const RegisterAnswer = Type.Object({
  ok: Type.Literal(true),
  tenant: Tenant,
  apiKey: Type.String({ description: 'Shown once; send it as `Authorization: Bearer <apiKey>`' }),
  emailSuggestion: Type.Optional(
    Type.String({ description: 'What was probably meant, where the domain looks like a slip; only a hint' }),
  ),
});
export const ResendAnswer = Type.Object({ ok: Type.Literal(true), message: Type.String() });
export const CheckAnswer = Type.Object({ valid: Type.Boolean(), email: Type.Optional(Type.String()) });
export const VerifyAnswer = Type.Object({
  ok: Type.Literal(true),
  email: Type.String(),
  message: Type.String(),
});
export const CooldownAnswer = Type.Object({
  ok: Type.Literal(true),
  remainingSeconds: Type.Integer({ minimum: 0, description: '0: a resend is accepted now' }),
  nextAllowedAt: Instant,
});
export const TenantAnswer = Type.Object({ ok: Type.Literal(true), tenant: Tenant });
export const EventsAnswer = Type.Object({
  ok: Type.Literal(true),
  events: Type.Array(
    Type.Object({
      id: Type.String(),
      eventType: Type.String(),
      detail: Type.Record(Type.String(), Type.Unknown()),
      createdAt: Instant,
    }),
  ),
});

export const StatusBody = Type.Object({ status: TenantStatus }, closed);

export const MessagesQuery = Type.Object(
  {
    address: Type.Optional(Email),
    organizationId: Type.Optional(
      Type.String({ ...Id, description: 'Whose messages; left out: the first organization’s' }),
    ),
    tenantId: Type.Optional(Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })),
    status: Type.Optional(
      Type.String({
        pattern:
          '^(queued|sending|deferred|gave_up|skipped|sent|undelivered|delivered|bounced|complained)(,(queued|sending|deferred|gave_up|skipped|sent|undelivered|delivered|bounced|complained))*$',
        description:
          'One or several of queued, sending, deferred, gave_up, skipped, sent, undelivered, delivered, bounced, complained',
      }),
    ),
    limit: Type.Optional(
      Type.String({ pattern: '^([1-9]|[1-9][0-9]|100)$', description: '1 to 100, default 20' }),
    ),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        description: '`nextCursor` of the page before',
      }),
    ),
  },
  closed,
);

const MessageSummary = Type.Object({
  id: Type.String(),
  organizationId: Type.String(),
  tenantId: nullable(Type.String()),
  email: nullable(Type.String({ description: "The account's address; null when none was registered" })),
  channel: Type.Union([Type.Literal('email'), Type.Literal('sms')]),
  purpose: Type.String(),
  contract: Type.String(),
  status: Type.String(),
  publicStatus: nullable(PublicStatus),
  state: Type.Enum([...deliveryStates], {
    description:
      'SENT: the provider took it. UNCONFIRMED: it did so more than a day ago and reports deliveries, but reported none',
  }),
  reason: nullable(Type.String()),
  provider: nullable(Type.String()),
  attempts: Type.Integer(),
  acceptedAt: Instant,
  sentAt: nullable(Instant),
  settledAt: nullable(Instant),
  nextAt: nullable(Instant),
});
export const MessagesAnswer = Type.Object({
  ok: Type.Literal(true),
  messages: Type.Array(MessageSummary),
  nextCursor: nullable(Type.String()),
  addressLabel: Type.Optional(
    Type.String({
      description:
        'With `address`: under which name the log speaks of it, also of requests that a limit refused',
    }),
  ),
  limits: Type.Optional(
    Type.Array(
      Type.Object({
        purpose: Type.String(),
        contracts: Type.Array(Type.String()),
        allowed: Type.Boolean(),
        retryAfterSeconds: Type.Integer({ description: '0 when allowed' }),
        windows: Type.Array(
          Type.Object({
            max: Type.Integer(),
            windowSeconds: Type.Integer(),
            remaining: Type.Integer(),
            resetSeconds: Type.Integer({ description: 'Until the oldest counted request leaves the window' }),
          }),
        ),
      }),
      {
        description:
          'With `address`: its limits of which something is used; missing while the limiter does not answer',
      },
    ),
  ),
  limitsSummary: Type.Optional(Type.String({ description: 'The same in plain sentences' })),
});
export const MessageAnswer = Type.Object({
  ok: Type.Literal(true),
  message: MessageSummary,
  summary: Type.String({ description: 'What became of it, or why nothing was sent, in a sentence' }),
  timeline: Type.Array(
    Type.Object({ at: Instant, what: Type.String(), detail: Type.Optional(Type.String()) }),
  ),
});

const reasons = Object.keys(errorCodes) as (keyof typeof errorCodes)[];

/** RFC 9457 problem details under their own media type, for the statuses that a route can answer. */
export const problems = (...statuses: readonly number[]): Record<number, TSchema> =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: reasons
          .filter((r) => errorCodes[r].status === status)
          .map((r) => `${r}: ${errorCodes[r].when}`)
          .join('\n\n'),
        content: { 'application/problem+json': { schema: problemOf(status) } },
      },
    ]),
  );

const problemOf = (status: number): TSchema =>
  Type.Object({
    type: Type.String(),
    title: Type.String(),
    status: Type.Literal(status),
    code: Type.String(),
    reason: Type.Union(reasons.filter((r) => errorCodes[r].status === status).map((r) => Type.Literal(r))),
    detail: Type.String(),
    instance: Type.String(),
    requestId: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String(), code: Type.String() })),
    ),
  });
