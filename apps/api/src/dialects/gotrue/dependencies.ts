import type { EmailIdentity } from '@reconfirm/core/account';
import type { Destination } from '@reconfirm/core/destination';
import type { RedirectRule } from '@reconfirm/core/redirect';
import type { Secret } from '@reconfirm/core/secret';
import type { AccountProfile } from '@reconfirm/db/account-profile';
import type { Presented, TokenFacts } from '@reconfirm/db/token-state';
import type { ApiKeyIdentity } from '../../api-key.ts';
import type { AuthCodes } from '../../auth-code.ts';
import type { ConfirmOnPage } from '../../confirm-on-page.ts';
import type { Confirm } from '../../confirm.ts';
import type { Invite } from '../../invite.ts';
import type { PageLocale } from '../../language.ts';
import type { OneTimeCode } from '../../one-time-code.ts';
import type { Resend } from '../../resend.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import type { SignIn } from '../../sign-in.ts';
import type { SignUp } from '../../sign-up.ts';
import type { TellDecision } from '../../tell-decision.ts';
import type { UpdateProfile } from '../../update-profile.ts';

/** How requests of this contract are read. */
export interface GotrueRules {
  readonly identity: EmailIdentity;
  /** Null: not a number that a message may go to. */
  readonly readPhone: (text: string) => Destination | undefined;
  readonly emailOn: boolean;
  readonly phoneOn: boolean;
  readonly siteUrl: string;
  readonly production: boolean;
  readonly signUpOpen: boolean;
  readonly messageId: 'always' | 'phone-only';
  /** Shortest password, for the sentence that says so. */
  readonly passwordSizeMin: number;
}

/** Everything that speaking this contract needs. */
export interface GotrueDependencies {
  /** The organization that its callers belong to; the key of another one invites for that one. */
  readonly organizationId: string;
  readonly rules: GotrueRules;
  /** Where people may be sent, by the settings of an organization as they are now; the site's URL always. */
  readonly redirectsOf: (organizationId: string) => RedirectRule;
  readonly resend: Resend;
  readonly signUp: SignUp;
  readonly oneTimeCode: OneTimeCode;
  readonly invite: Invite;
  readonly confirm: Confirm;
  readonly confirmOnPage: ConfirmOnPage;
  readonly authCodes: AuthCodes;
  readonly signIn: SignIn;
  readonly sessions: Sessions;
  readonly updateProfile: UpdateProfile;
  readonly readToken: (presented: Presented) => Promise<TokenFacts>;
  readonly findProfile: (accountId: string) => Promise<AccountProfile | undefined>;
  readonly isChangeComplete: (changeId: string) => Promise<boolean>;
  readonly adminKey: Secret | undefined;
  readonly authenticateKey: (authorization: string | undefined) => Promise<ApiKeyIdentity | undefined>;
  readonly decided: TellDecision;
  readonly negotiate: (acceptLanguage: string | undefined) => PageLocale;
  readonly brand: string;
  readonly version: string;
}
