import { type InvitationState, invitationState, listedInvitationState } from '@reconfirm/core/invitation';
import { publicStatus } from '@reconfirm/core/message';
import type { PasswordProblem } from '@reconfirm/core/password';
import type { ExtendOutcome, InvitationDetails, NoInvitation } from '@reconfirm/db/invitations';
import type { ChangeUserOutcome, DeleteUserOutcome, UserDetails } from '@reconfirm/db/users';
import type { AdministratorOutcome } from '../../authorize-administrator.ts';
import type { InviteUserOutcome, RenewInvitationOutcome } from '../../invite-user.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import type { SetPasswordByTokenOutcome } from '../../set-password-by-token.ts';
import { type EntryguardCode, EntryguardError } from './errors.ts';

const userNotFound = (id: string): EntryguardError =>
  // Anything but an id of ours is not repeated: it may be a token in the wrong place.
  new EntryguardError('USER_NOT_FOUND', isUserId(id) ? { message: `User not found with id: ${id}` } : {});

/** What Postgres takes as an id. */
export const isUserId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** The user, or the 404 of its id. */
export const foundUser = <T>(user: T | undefined, id: string): T => {
  if (user === undefined) throw userNotFound(id);
  return user;
};

export const userAnswer = (user: UserDetails) => ({
  id: user.id,
  email: user.email,
  name: user.name,
  isOrgAdmin: user.isAdmin,
  platformRole: 'CUSTOMER' as const,
  isActive: user.status !== 'suspended',
  mfaEnabled: false,
  lastLoginAt: user.lastSignedInAt?.toISOString() ?? null,
  roleNames: [],
  createdAt: user.createdAt.toISOString(),
  updatedAt: user.updatedAt.toISOString(),
  status:
    user.status === 'pending' || (user.status === 'suspended' && user.verifiedAt === null)
      ? ('PENDING' as const)
      : ('ACTIVE' as const),
});

const invitationOf = (invitation: InvitationDetails) => {
  const status: InvitationState = invitationState(invitation);
  return {
    status,
    generation: invitation.generation,
    expiresAt: invitation.expiresAt?.toISOString() ?? null,
    deliveryStatus: invitation.messageStatus === null ? null : publicStatus(invitation.messageStatus),
    askedAt: invitation.askedAt.toISOString(),
    sentAt: invitation.sentAt?.toISOString() ?? null,
    invitedBy: invitation.invitedBy,
  };
};

export const invitationAnswer = (invitation: InvitationDetails, waitSeconds: number) => ({
  id: invitation.accountId,
  email: invitation.email,
  invitation: {
    ...invitationOf(invitation),
    nextResendAt: new Date(Date.now() + waitSeconds * 1000).toISOString(),
  },
});

export const listedInvitationAnswer = (invitation: InvitationDetails) => ({
  id: invitation.accountId,
  email: invitation.email,
  state: listedInvitationState(invitation),
  invitation: invitationOf(invitation),
});

type Administrator = Extract<AdministratorOutcome, { kind: 'administrator' }>;

const refusedAdministrators = {
  missing: 'AUTHENTICATION_REQUIRED',
  invalid: 'CREDENTIALS_INVALID',
  expired: 'CREDENTIALS_EXPIRED',
  forbidden: 'ACCESS_DENIED',
} as const satisfies Record<Exclude<AdministratorOutcome['kind'], 'administrator'>, EntryguardCode>;

/** Who acts, or the refusal. */
export const allowedAdministrator = (outcome: AdministratorOutcome): Administrator => {
  if (outcome.kind === 'administrator') return outcome;
  throw new EntryguardError(refusedAdministrators[outcome.kind], {
    headers: outcome.kind === 'forbidden' ? {} : { 'www-authenticate': 'Bearer' },
  });
};

type Limited = Extract<InviteUserOutcome, { kind: 'limited' }>;

const tooManyInvitations = ({ by, limits }: Limited): EntryguardError =>
  new EntryguardError('TOO_MANY_INVITATIONS', {
    message: `Too many invitations; try again in ${by.retryAfterSeconds} seconds`,
    headers: rateLimitHeaders(limits, by),
  });

type Invited = Extract<InviteUserOutcome, { kind: 'invited' }>;

const invitedOr = {
  duplicate: () =>
    new EntryguardError('EMAIL_ALREADY_IN_USE', { validationErrors: { email: 'is already in use' } }),
  no_seat: () => new EntryguardError('USER_LIMIT_REACHED'),
  limited: tooManyInvitations,
} satisfies {
  [K in Exclude<InviteUserOutcome['kind'], 'invited'>]: (
    outcome: Extract<InviteUserOutcome, { kind: K }>,
  ) => EntryguardError;
};

/** The created user with what the limits say, or the refusal. A forgotten outcome does not compile. */
export const createdUser = (outcome: InviteUserOutcome): Invited => {
  if (outcome.kind === 'invited') return outcome;
  if (outcome.kind === 'limited') throw invitedOr.limited(outcome);
  throw invitedOr[outcome.kind]();
};

/** The changed user, or the refusal. A forgotten outcome does not compile. */
export const changedUser = (outcome: ChangeUserOutcome, id: string): UserDetails => {
  switch (outcome.kind) {
    case 'changed':
      return outcome.user;
    case 'unknown':
      throw userNotFound(id);
    case 'last_admin':
      throw new EntryguardError(outcome.wanted === 'demote' ? 'LAST_ADMIN_DEMOTE' : 'LAST_ADMIN_DEACTIVATE');
  }
};

const notDeleted = {
  unknown: userNotFound,
  last_admin: () => new EntryguardError('LAST_ADMIN_DELETE'),
} as const satisfies Record<Exclude<DeleteUserOutcome, 'deleted'>, (id: string) => EntryguardError>;

/** Throws unless the user was deleted. */
export const expectDeleted = (outcome: DeleteUserOutcome, id: string): void => {
  if (outcome !== 'deleted') throw notDeleted[outcome](id);
};

/** Why an invitation was not touched, as this contract says it. */
const noInvitation = {
  unknown: (id) => userNotFound(id),
  accepted: () => new EntryguardError('INVITATION_ALREADY_ACCEPTED'),
  inactive: () => new EntryguardError('USER_INACTIVE'),
} as const satisfies Record<NoInvitation, (id: string) => EntryguardError>;

export const renewedInvitation = (
  outcome: RenewInvitationOutcome,
  id: string,
): Extract<RenewInvitationOutcome, { kind: 'renewed' }> => {
  if (outcome.kind === 'renewed') return outcome;
  throw outcome.kind === 'limited' ? tooManyInvitations(outcome) : noInvitation[outcome.kind](id);
};

const notExtended = {
  ...noInvitation,
  not_invited: () => new EntryguardError('INVITATION_NOT_FOUND'),
  revoked: () => new EntryguardError('INVITATION_REVOKED'),
  not_sent: () => new EntryguardError('INVITATION_NOT_SENT'),
  out_of_range: () =>
    new EntryguardError('VALIDATION_FAILED', {
      validationErrors: { expiresAt: 'must lie in the future, at most 30 days from now' },
    }),
} as const satisfies Record<Exclude<ExtendOutcome['kind'], 'extended'>, (id: string) => EntryguardError>;

/** Throws unless the invitation was extended. */
export const expectExtended = (outcome: ExtendOutcome, id: string): void => {
  if (outcome.kind !== 'extended') throw notExtended[outcome.kind](id);
};

/** Throws unless the invitation is withdrawn. */
export const expectRevoked = (outcome: NoInvitation | 'revoked' | 'not_invited', id: string): void => {
  if (outcome !== 'revoked') throw notExtended[outcome](id);
};

const weakPassword = {
  too_short: 'must have at least 8 characters',
  too_long: 'must have at most 128 characters',
  lacks_upper: 'must contain an upper-case letter',
  lacks_lower: 'must contain a lower-case letter',
  lacks_digit: 'must contain a digit',
  lacks_special: 'must contain a special character',
  not_text: 'must be text',
} as const satisfies Record<PasswordProblem, string>;

/** Expired invitations and expired recoveries are told apart: one asks the inviter, the other asks again. */
const deadTokens = {
  expired: { invitation: 'INVITE_TOKEN_EXPIRED', recovery: 'RECOVERY_TOKEN_EXPIRED' },
  used: { invitation: 'INVITE_TOKEN_USED', recovery: 'RECOVERY_TOKEN_USED' },
  superseded: { invitation: 'INVITE_TOKEN_SUPERSEDED', recovery: 'RECOVERY_TOKEN_SUPERSEDED' },
  revoked: { invitation: 'INVITE_TOKEN_REVOKED', recovery: 'INVITE_TOKEN_INVALID' },
  suspended: { invitation: 'USER_DEACTIVATED', recovery: 'USER_DEACTIVATED' },
} as const satisfies Record<
  Exclude<SetPasswordByTokenOutcome['kind'], 'set' | 'weak' | 'unknown'>,
  Record<'invitation' | 'recovery', EntryguardCode>
>;

/** Whose password was set, or the refusal. */
export const setPasswordOf = (
  outcome: SetPasswordByTokenOutcome,
): Extract<SetPasswordByTokenOutcome, { kind: 'set' }> => {
  switch (outcome.kind) {
    case 'set':
      return outcome;
    case 'weak':
      throw new EntryguardError('PASSWORD_TOO_WEAK', {
        validationErrors: { password: outcome.problems.map((problem) => weakPassword[problem]).join(', ') },
      });
    case 'unknown':
      throw new EntryguardError('INVITE_TOKEN_INVALID');
    case 'expired':
    case 'used':
    case 'superseded':
    case 'revoked':
    case 'suspended':
      throw new EntryguardError(
        deadTokens[outcome.kind][outcome.purpose === 'recovery' ? 'recovery' : 'invitation'],
      );
  }
};
