import type { EmailIdentity } from '@reconfirm/core/account';
import type { PasswordPolicy } from '@reconfirm/core/password';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import type { RedirectRule } from '@reconfirm/core/redirect';
import type { NewestMessage } from '@reconfirm/db/newest-message';
import type { UserDetails } from '@reconfirm/db/users';
import type { RulesOf } from '../../contract-rules.ts';
import type { Confirm } from '../../confirm.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import type { KeySettings } from '../../request-keys.ts';
import type { Resend } from '../../resend.ts';
import type { Authentication } from '../../sessions/sessions.ts';
import type { SetPasswordByToken } from '../../set-password-by-token.ts';
import type { SignUp } from '../../sign-up.ts';
import type { TellDecision } from '../../tell-decision.ts';

/** Everything that speaking Singularity needs: use cases, statements, and settings of the contract. */
export interface SingularityDependencies {
  readonly authenticate: (accessToken: string) => Promise<Authentication>;
  readonly resend: Resend;
  readonly confirm: Confirm;
  readonly signUp: SignUp;
  readonly setPassword: SetPasswordByToken;
  readonly limiter: Limiter;
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  readonly identity: EmailIdentity;
  /** Whose people ask without having signed in. */
  readonly organizationId: string;
  /** Browsers may call from here, with the cookie too. */
  readonly origins: RedirectRule;
  readonly emailIsOff: boolean;
  readonly alreadyVerifiedStatus: 304 | 409;
  /** Whether a token that was used is a success when it is shown again. */
  readonly repeatedVerifySucceeds: boolean;
  /** Where links lead; null: to the page that the account has chosen, or ours. */
  readonly verificationUrl: string | null;
  readonly passwordResetUrl: string;
  readonly passwordPolicy: PasswordPolicy;
  readonly findUser: (organizationId: string, id: string) => Promise<UserDetails | undefined>;
  readonly findNewestMessage: (
    organizationId: string,
    emailKey: Uint8Array,
    purpose: PurposeName,
  ) => Promise<NewestMessage | undefined>;
  readonly decided: TellDecision;
}
