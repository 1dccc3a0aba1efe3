import { type Static, type TSchema, Type } from 'typebox';

/** JSON null is the same as nothing, and what is not known is passed over. */
const maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const text = (description: string) => maybe(Type.String({ description }));

const email = text('An e-mail address');
const phone = text('A phone number in E.164');
const security = maybe(Type.Object({ captcha_token: text('The answer to a captcha, where one is on') }));
const data = maybe(
  Type.Record(Type.String(), Type.Unknown(), { description: 'Kept with the account as user_metadata' }),
);
const pkce = {
  code_challenge: text('PKCE (RFC 7636): with its method, or neither'),
  code_challenge_method: text('s256 or plain'),
};
const redirect = text(
  'Where people go after the link. Also taken from the query and the header `redirect_to`; what is not allowed is replaced by the site’s URL.',
);
const common = { gotrue_meta_security: security, redirect_to: redirect, ...pkce };

export const ResendBody = Type.Object({
  type: text('signup, recovery, magiclink, email_change, sms or phone_change'),
  email,
  phone,
  ...common,
});

export const OtpBody = Type.Object({
  email,
  phone,
  create_user: maybe(
    Type.Boolean({ description: 'Whether somebody new gets an account; true unless given' }),
  ),
  data,
  channel: text('sms'),
  ...common,
});

export const EmailBody = Type.Object({ email, ...common });

export const SignUpBody = Type.Object({
  email,
  phone,
  password: text('8 to 128 characters, or what the installation asks for'),
  data,
  channel: text('sms'),
  ...common,
});

export const InviteBody = Type.Object({ email, data, redirect_to: redirect });

export const VerifyBody = Type.Object({
  type: text('signup, invite, recovery, magiclink, email, email_change, sms or phone_change'),
  token: text('The six digits, together with email or phone'),
  token_hash: text('The token of a link'),
  email,
  phone,
  gotrue_meta_security: security,
  redirect_to: redirect,
  code: text('Of the form of the page: the six digits of the mail'),
});
export type VerifyInput = Static<typeof VerifyBody>;

export const TokenBody = Type.Object({
  email,
  phone,
  password: text('With grant_type=password'),
  refresh_token: text('With grant_type=refresh_token'),
  auth_code: text('With grant_type=pkce'),
  code_verifier: text('With grant_type=pkce'),
  gotrue_meta_security: security,
});

export const UpdateUserBody = Type.Object({
  email,
  phone,
  password: text('A new password'),
  data,
  channel: text('sms'),
  nonce: text('Passed over'),
  ...pkce,
});

export const RedirectQuery = Type.Object({ redirect_to: Type.Optional(Type.String()) });
export const GrantQuery = Type.Object({ grant_type: Type.Optional(Type.String()) });
export const LogoutQuery = Type.Object({
  scope: Type.Optional(Type.String({ description: 'global (unless given), local or others' })),
});
/** Read leniently: a person with a broken link is sent to a page, not given a list of errors. */
export const VerifyQuery = Type.Object({
  token: Type.Optional(Type.String()),
  token_hash: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  redirect_to: Type.Optional(Type.String()),
});

export const MessageAnswer = Type.Object({
  message_id: Type.Optional(
    Type.String({ description: 'Opaque; also given where nothing is sent (GOTRUE_MESSAGE_ID)' }),
  ),
});

const Instant = Type.String({ format: 'date-time' });

export const User = Type.Object({
  id: Type.String(),
  aud: Type.String(),
  role: Type.String(),
  email: Type.String(),
  email_confirmed_at: Type.Optional(Instant),
  phone: Type.String(),
  phone_confirmed_at: Type.Optional(Instant),
  confirmed_at: Type.Optional(Instant),
  confirmation_sent_at: Type.Optional(Instant),
  invited_at: Type.Optional(Instant),
  new_email: Type.Optional(Type.String()),
  new_phone: Type.Optional(Type.String()),
  last_sign_in_at: Type.Optional(Instant),
  app_metadata: Type.Object({ provider: Type.String(), providers: Type.Array(Type.String()) }),
  user_metadata: Type.Record(Type.String(), Type.Unknown()),
  identities: Type.Array(Type.Unknown()),
  created_at: Instant,
  updated_at: Instant,
  is_anonymous: Type.Boolean(),
});
export type UserAnswer = Static<typeof User>;

export const Session = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer(),
  expires_at: Type.Integer({ description: 'Seconds since 1970' }),
  refresh_token: Type.String(),
  user: User,
});
export type SessionAnswer = Static<typeof Session>;

export const HalfConfirmed = Type.Object({
  msg: Type.String(),
  code: Type.Literal('200'),
});

export const Settings = Type.Object({
  external: Type.Record(Type.String(), Type.Boolean()),
  disable_signup: Type.Boolean(),
  mailer_autoconfirm: Type.Boolean(),
  phone_autoconfirm: Type.Boolean(),
  sms_provider: Type.String(),
  saml_enabled: Type.Boolean(),
});

export const Health = Type.Object({
  version: Type.String(),
  name: Type.String(),
  description: Type.String(),
});

export const Nothing = Type.Null({ description: 'No content' });

const weakPassword = Type.Object({ reasons: Type.Array(Type.String()) });

/** Both forms of an error: which one, X-Supabase-Api-Version says. */
const ErrorAnswer = Type.Union([
  Type.Object({
    code: Type.Integer(),
    error_code: Type.String(),
    msg: Type.String(),
    weak_password: Type.Optional(weakPassword),
  }),
  Type.Object({
    code: Type.String(),
    message: Type.String(),
    weak_password: Type.Optional(weakPassword),
  }),
]);

export const errors = (...statuses: readonly number[]): Record<number, TSchema> =>
  Object.fromEntries(statuses.map((status) => [status, ErrorAnswer]));
