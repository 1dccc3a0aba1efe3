import { type TSchema, Type } from 'typebox';
import { type SingularityCode, singularityErrors } from './errors.ts';

const Instant = Type.String({ format: 'date-time' });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Locale = Type.String({
  maxLength: 35,
  description: 'BCP 47 language of the mail; the default one without it',
  examples: ['es'],
});

export const LocaleQuery = Type.Object({ locale: Type.Optional(Locale) });

/** Any text: what is no token is answered as one that is not valid. */
export const TokenQuery = Type.Object({
  token: Type.Optional(Type.String({ description: 'The `token` of the link' })),
  locale: Type.Optional(Locale),
});

export const EmailQuery = Type.Object({ email: Type.String({ minLength: 3, maxLength: 320 }) });

export const EmailBody = Type.Object({
  email: Type.String({ minLength: 3, maxLength: 320, examples: ['ana@example.com'] }),
});

export const RegisterQuery = Type.Object({
  'send-email': Type.Optional(Type.Enum(['true', 'false'])),
  locale: Type.Optional(Locale),
});

export const RegisterBody = Type.Object({
  email: Type.String({ minLength: 3, maxLength: 320, examples: ['ana@example.com'] }),
  password: Type.String({ minLength: 1, maxLength: 1024 }),
  name: Type.String({
    // One line, without control characters: Postgres takes no NUL, and mail no second line.
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$',
    minLength: 1,
    maxLength: 100,
  }),
});

export const PasswordBody = Type.Object({
  password: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: '8 to 128 characters, with upper and lower case, a digit and a special character',
  }),
});

export const CooldownAnswer = Type.Object({
  cooldown: Type.Integer({ minimum: 0, description: 'Seconds until another mail may be asked for' }),
});

export const RemainingAnswer = Type.Object({
  remaining: Type.Integer({ minimum: 0, description: 'Seconds; 0 when a mail may be asked for' }),
});

export const SuccessAnswer = Type.Object({ success: Type.Literal(true) });

export const StatusAnswer = Type.Object({
  emailVerified: Type.Boolean(),
  lastEmail: nullable(
    Type.Object({
      requestedAt: Instant,
      status: nullable(Type.Enum(['SENT', 'DELIVERED', 'FAILED', 'COMPLAINED'])),
      failure: nullable(
        Type.Enum(['EMAIL_SEND_FAILURE', 'EMAIL_AUTHENTICATION_FAILURE', 'EMAIL_TEMPLATE_FAILURE']),
      ),
    }),
  ),
});

export const Principal = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  email: nullable(Type.String()),
  identityProviders: Type.Array(Type.String()),
  roles: Type.Array(Type.Enum(['USER', 'ADMIN'])),
  emailVerified: Type.Boolean(),
  lastActive: Instant,
  twoFactorAuthEnabled: Type.Boolean(),
  preferredTwoFactorMethod: nullable(Type.String()),
  twoFactorMethods: Type.Array(Type.String()),
  avatar: nullable(Type.String()),
  createdAt: Instant,
  groups: Type.Array(Type.String()),
});

/** The refusals of an operation: those of these statuses that any route of the contract may give. */
export const errors = (...statuses: readonly number[]): Record<number, TSchema> =>
  Object.fromEntries(statuses.map((status) => [status, status === 304 ? Unchanged : errorSchema(status)]));

const Unchanged = Type.Null({ description: 'No content; X-Error-Code: EMAIL_ALREADY_VERIFIED' });

const errorSchema = (status: number): TSchema => {
  const codes = Object.entries(singularityErrors)
    .filter(([, error]) => error.status === status)
    .map(([code]) => code as SingularityCode);
  return Type.Object(
    {
      timestamp: Instant,
      status: Type.Literal(status),
      code: Type.Enum(status === 409 ? [...codes, 'EMAIL_ALREADY_VERIFIED'] : codes),
      error: Type.String(),
      message: Type.String(),
      path: Type.String(),
    },
    { additionalProperties: false },
  );
};
