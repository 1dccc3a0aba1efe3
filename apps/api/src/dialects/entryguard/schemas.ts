import { listedInvitationStates } from '@reconfirm/core/invitation';
import { type TSchema, Type } from 'typebox';
import { type EntryguardCode, entryguardErrors } from './errors.ts';

/** Text without control characters and line breaks: Postgres takes no NUL, and mail no second line. */
const oneLine = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$';

const Instant = Type.String({ format: 'date-time' });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
/** Null counts as left out. */
const mayLack = <T extends TSchema>(schema: T) => Type.Optional(nullable(schema));

const Name = Type.String({ pattern: oneLine, maxLength: 100, description: 'In one line' });

/** Members that are not listed are ignored, as by the service that this contract is of. */
export const CreateUserBody = Type.Object({
  email: Type.String({ minLength: 3, maxLength: 320, examples: ['jane@example.com'] }),
  name: mayLack(Name),
  isOrgAdmin: mayLack(Type.Boolean({ description: 'Default: false' })),
  locale: mayLack(
    Type.String({
      maxLength: 35,
      description: 'BCP 47 language of the mail. Not in the EntryGuard document.',
    }),
  ),
});

export const ChangeUserBody = Type.Object({
  name: mayLack(Name),
  isOrgAdmin: mayLack(Type.Boolean()),
  isActive: mayLack(Type.Boolean()),
});

export const UserParams = Type.Object({ id: Type.String() });

export const UsersQuery = Type.Object({
  after: Type.Optional(Type.String({ description: 'Id of the last user of the page before' })),
  limit: Type.Optional(Type.String({ pattern: '^([1-9]|[1-9][0-9]|[1-9][0-9][0-9]|1000)$' })),
});

const UserStatus = Type.Union([Type.Literal('PENDING'), Type.Literal('ACTIVE')], {
  description: 'PENDING until the address is proved. Not in the EntryGuard document.',
});

export const User = Type.Object({
  id: Type.String({ format: 'uuid' }),
  email: nullable(Type.String()),
  name: nullable(Type.String()),
  isOrgAdmin: Type.Boolean(),
  platformRole: Type.Literal('CUSTOMER'),
  isActive: Type.Boolean(),
  mfaEnabled: Type.Boolean(),
  lastLoginAt: nullable(Instant),
  roleNames: Type.Array(Type.String()),
  createdAt: Instant,
  updatedAt: Instant,
  status: UserStatus,
});

export const Users = Type.Array(User);

const invitationMembers = {
  status: Type.Enum(['PENDING', 'ACCEPTED', 'EXPIRED', 'REVOKED']),
  generation: Type.Integer({ minimum: 1, description: 'How many mails were asked for' }),
  expiresAt: nullable(Instant),
  deliveryStatus: nullable(Type.Enum(['SENT', 'DELIVERED', 'FAILED', 'COMPLAINED'])),
  askedAt: Instant,
  sentAt: nullable(Instant),
  invitedBy: Type.String({ description: 'account:<id>, key:<id> or operator' }),
};

const InvitedUserId = Type.String({
  format: 'uuid',
  description: 'Of the user; the same through every resend',
});

export const InvitationAnswer = Type.Object({
  id: InvitedUserId,
  email: nullable(Type.String()),
  invitation: Type.Object({ ...invitationMembers, nextResendAt: Instant }),
});

export const InvitationsQuery = Type.Object({
  ...UsersQuery.properties,
  state: Type.Optional(
    Type.String({
      pattern: `^(${listedInvitationStates.join('|')})(,(${listedInvitationStates.join('|')})){0,5}$`,
      description: `Only those that stand so, with commas between: ${listedInvitationStates.join(', ')}`,
    }),
  ),
});

export const Invitations = Type.Array(
  Type.Object({
    id: InvitedUserId,
    email: nullable(Type.String()),
    state: Type.Enum([...listedInvitationStates], {
      description:
        'What `invitation.status` says, and of one that waits what became of its mail. BOUNCED goes before EXPIRED.',
    }),
    invitation: Type.Object(invitationMembers),
  }),
);

export const ResendBody = Type.Union([
  Type.Object({ locale: mayLack(Type.String({ maxLength: 35 })) }),
  Type.Null(),
]);

export const ExtendBody = Type.Union([Type.Object({ expiresAt: mayLack(Type.String()) }), Type.Null()]);

export const ChangeInvitationBody = Type.Object({
  expiresAt: Type.String({ description: 'ISO 8601 instant, at most 30 days from now' }),
});

export const SetPasswordBody = Type.Object({
  inviteToken: Type.String({
    minLength: 1,
    maxLength: 512,
    description: 'The `token` of the link, with or without `invite_` before it',
  }),
  password: Type.String({ minLength: 1, maxLength: 1024, description: '8 to 128 characters' }),
});

export const SessionAnswer = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.Integer(),
  tokenType: Type.Literal('Bearer'),
  user: Type.Object({
    id: Type.String({ format: 'uuid' }),
    email: nullable(Type.String()),
    name: nullable(Type.String()),
    isOrgAdmin: Type.Boolean(),
    organizationId: Type.String(),
    organizationName: Type.String(),
    organizationSlug: Type.String(),
    subscriptionTier: Type.String(),
    mfaEnabled: Type.Boolean(),
  }),
});

export const Nothing = Type.Null({ description: 'No content' });

/** The refusals of an operation: those of these statuses that any route of the contract may give. */
export const errors = (...statuses: readonly number[]): Record<number, TSchema> =>
  Object.fromEntries(
    statuses.map((status) => {
      const codes = Object.entries(entryguardErrors)
        .filter(([, error]) => error.status === status)
        .map(([code]) => code as EntryguardCode);
      return [
        status,
        Type.Object(
          {
            timestamp: Instant,
            status: Type.Literal(status),
            error: Type.String(),
            code: Type.Enum(codes),
            message: Type.String(),
            path: Type.String(),
            ...(status === 400
              ? { validationErrors: Type.Record(Type.String(), Type.String(), { description: 'By field' }) }
              : {}),
          },
          { additionalProperties: false },
        ),
      ];
    }),
  );
