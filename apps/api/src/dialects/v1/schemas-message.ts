import { type Static, Type } from 'typebox';
import { CaptchaToken, closed, Email, Locale, Phone, RedirectUrl, Token } from './schemas.ts';

/** What anybody may ask for. */
const AskedPurpose = Type.Union(
  [Type.Literal('signup'), Type.Literal('recovery'), Type.Literal('magiclink'), Type.Literal('sms')],
  { description: 'What the message is for' },
);

export const AskBody = Type.Object(
  {
    purpose: AskedPurpose,
    email: Type.Optional(Email),
    phone: Type.Optional(Phone),
    redirectUrl: Type.Optional(RedirectUrl),
    locale: Type.Optional(Locale),
    captchaToken: Type.Optional(CaptchaToken),
  },
  closed,
);

export const AskAnswer = Type.Object({
  ok: Type.Literal(true),
  messageId: Type.String({ description: 'Opaque handle; given for unknown addresses too' }),
  nextAllowedAt: Type.String({ format: 'date-time' }),
});

export const HandleParams = Type.Object(
  { handle: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }) },
  closed,
);

export const HandleAnswer = Type.Object({
  ok: Type.Literal(true),
  status: Type.Union([Type.Literal('pending'), Type.Literal('verified')]),
});

export const ChangeEmailBody = Type.Object(
  { email: Email, redirectUrl: Type.Optional(RedirectUrl), locale: Type.Optional(Locale) },
  closed,
);

export const ChangePhoneBody = Type.Object(
  { phone: Phone, redirectUrl: Type.Optional(RedirectUrl), locale: Type.Optional(Locale) },
  closed,
);

export const ChangePhoneAnswer = Type.Object({
  ok: Type.Literal(true),
  change: Type.Object({
    id: Type.String(),
    newPhone: Type.String({ description: 'In E.164' }),
    expiresAt: Type.String({ format: 'date-time' }),
  }),
});

export const ChangeAnswer = Type.Object({
  ok: Type.Literal(true),
  change: Type.Object({
    id: Type.String(),
    newEmail: Type.String(),
    mode: Type.Union([Type.Literal('new_only'), Type.Literal('both')]),
    confirmed: Type.Object({ current: Type.Boolean(), new: Type.Boolean() }),
    expiresAt: Type.String({ format: 'date-time' }),
  }),
});

export const VerifyBody = Type.Object(
  {
    token: Type.Optional(Token),
    email: Type.Optional(Email),
    phone: Type.Optional(Phone),
    code: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'The six digits, as typed or pasted; together with `email` or `phone`',
        examples: ['123 456'],
      }),
    ),
    purpose: Type.Optional(
      Type.Union([Type.Literal('signup'), Type.Literal('magiclink'), Type.Literal('recovery')], {
        description: 'What the code of a mail is for; signup unless given',
      }),
    ),
  },
  closed,
);
export type VerifyInput = Static<typeof VerifyBody>;

const Session = Type.Object({
  accessToken: Type.String({ description: 'To be verified by /.well-known/jwks.json' }),
  expiresAt: Type.String({ format: 'date-time', description: 'End of the access token' }),
  refreshToken: Type.String({ description: 'Good for one POST /v1/sessions/refresh' }),
});
export type SessionAnswer = Static<typeof Session>;

export const RefreshBody = Type.Object(
  { refreshToken: Type.String({ minLength: 1, maxLength: 2048 }) },
  closed,
);
export const RefreshAnswer = Type.Object({ ok: Type.Literal(true), session: Session });

export const ConfirmAnswer = Type.Object({
  ok: Type.Literal(true),
  purpose: Type.String(),
  email: Type.Union([Type.String(), Type.Null()]),
  phone: Type.Optional(Type.String({ description: 'The number that was confirmed, in E.164' })),
  alreadyConfirmed: Type.Boolean({
    description: 'True when it had been confirmed before: a success all the same',
  }),
  session: Type.Union([Session, Type.Null()], {
    description: 'Of a purpose that signs in, the first time, where SESSION_KEYS is set',
  }),
});
