import type { EmailIdentity } from '@reconfirm/core/account';
import type { PasswordPolicy } from '@reconfirm/core/password';
import type { RedirectRule } from '@reconfirm/core/redirect';
import type {
  ExtendOutcome,
  InvitationChange,
  InvitationDetails,
  NoInvitation,
} from '@reconfirm/db/invitations';
import type { InvitationPage } from '@reconfirm/db/list-invitations';
import type { Organization } from '@reconfirm/db/organizations';
import type { ChangeUserOutcome, DeleteUserOutcome, UserChange, UserDetails } from '@reconfirm/db/users';
import type { AuthorizeAdministrator } from '../../authorize-administrator.ts';
import type { Invitations } from '../../invite-user.ts';
import type { KeySettings } from '../../request-keys.ts';
import type { IssuedSession } from '../../sessions/sessions.ts';
import type { SetPasswordByToken } from '../../set-password-by-token.ts';
import type { TellDecision } from '../../tell-decision.ts';

/** Everything that speaking EntryGuard needs: use cases, statements, and settings of the contract. */
export interface EntryguardDependencies {
  readonly authorize: AuthorizeAdministrator;
  readonly invitations: Invitations;
  readonly setPassword: SetPasswordByToken;
  readonly openSession: (user: UserDetails) => Promise<IssuedSession>;
  readonly identity: EmailIdentity;
  readonly keys: KeySettings;
  /** Browsers may call from here. */
  readonly origins: RedirectRule;
  /** Where links of invitations lead. */
  readonly setPasswordUrl: string;
  /** A new lifetime when none is named. */
  readonly invitationSecondsOf: (organizationId: string) => number;
  readonly passwordPolicy: PasswordPolicy;
  readonly subscriptionTierOf: (organizationId: string) => string;
  readonly findUser: (organizationId: string, id: string) => Promise<UserDetails | undefined>;
  readonly listUsers: (
    organizationId: string,
    page: { readonly afterId: string | null; readonly limit: number },
  ) => Promise<readonly UserDetails[]>;
  readonly changeUser: (
    at: { readonly organizationId: string; readonly id: string; readonly by: string },
    change: UserChange,
  ) => Promise<ChangeUserOutcome>;
  readonly deleteUser: (organizationId: string, id: string) => Promise<DeleteUserOutcome>;
  readonly findInvitation: (organizationId: string, userId: string) => Promise<InvitationDetails | undefined>;
  readonly listInvitations: (
    organizationId: string,
    page: InvitationPage,
  ) => Promise<readonly InvitationDetails[]>;
  readonly extendInvitation: (
    change: InvitationChange,
    until: { readonly expiresAt: Date } | { readonly seconds: number },
  ) => Promise<ExtendOutcome>;
  readonly revokeInvitation: (
    change: InvitationChange & { readonly emailKey: Uint8Array },
  ) => Promise<NoInvitation | 'revoked' | 'not_invited'>;
  readonly findOrganization: (id: string) => Promise<Organization | undefined>;
  readonly decided: TellDecision;
}
