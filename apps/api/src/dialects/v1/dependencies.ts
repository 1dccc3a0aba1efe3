import type { organizationProblems } from '@reconfirm/core/config/organization-settings';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Channel } from '@reconfirm/core/destination';
import type { Secret } from '@reconfirm/core/secret';
import type { AccountDetails, AccountEvent } from '@reconfirm/db/accounts';
import type { NewOrganizationKey, OrganizationKey } from '@reconfirm/db/api-keys';
import type { PendingChange } from '@reconfirm/db/contact-changes';
import type { NewOrganization, Organization } from '@reconfirm/db/organizations';
import type { MessageFilter, MessageHistory, MessageSummary } from '@reconfirm/db/message-history';
import type { Presented, TokenFacts } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import type { ChangeContact } from '../../change-contact.ts';
import type { RulesOf } from '../../contract-rules.ts';
import type { Confirm } from '../../confirm.ts';
import type { CaptchaRoutesConfig } from '../../captcha/captcha-routes.ts';
import type { PageLocale } from '../../language.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import type { Register } from '../../register.ts';
import type { AddressLimits } from '../../operator/address-limits.ts';
import type { KeySettings } from '../../request-keys.ts';
import type { Resend } from '../../resend.ts';
import type { TellDecision } from '../../tell-decision.ts';
import type { IssuedSession, Sessions } from '../../sessions/sessions.ts';
import type { RequestRules } from './read-request.ts';

export interface V1Sessions extends Pick<Sessions, 'refresh' | 'authenticate' | 'end'> {
  readonly openFor: (accountId: string) => Promise<IssuedSession>;
}

/** Everything that speaking v1 needs: use cases, statements, and settings of the contract. */
export interface V1Dependencies {
  readonly resend: Resend;
  readonly register: Register;
  readonly limiter: Limiter;
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  /** The organization that this contract's callers belong to. */
  readonly organizationId: string;
  /** How requests of an organization are read. */
  readonly requestRulesOf: (organizationId: string) => RequestRules;
  readonly emailOff: 'rotate' | '503' | '400';
  readonly adminKey: Secret | undefined;
  readonly captcha: CaptchaRoutesConfig;
  readonly brand: string;
  readonly negotiate: (acceptLanguage: string | undefined) => PageLocale;
  readonly confirm: Confirm;
  readonly changeContact: ChangeContact;
  readonly findPendingChange: (accountId: string, channel: Channel) => Promise<PendingChange | undefined>;
  readonly cancelChange: (accountId: string, channel: Channel) => Promise<boolean>;
  readonly organizations: {
    readonly create: (organization: NewOrganization) => Promise<Organization | null>;
    readonly list: () => Promise<readonly Organization[]>;
    readonly find: (id: string) => Promise<Organization | undefined>;
    readonly update: (
      id: string,
      change: Pick<Organization, 'name' | 'settings'>,
    ) => Promise<Organization | undefined>;
    /** What the installation allows organizations to set. */
    readonly limits: Parameters<typeof organizationProblems>[1];
  };
  readonly isConfirmedSince: (organizationId: string, messageId: string) => Promise<boolean>;
  readonly readToken: (presented: Presented) => Promise<TokenFacts>;
  readonly confirmToken: (presented: Presented, purposes: readonly string[]) => Promise<Confirmation>;
  readonly findByApiKey: (id: string, secretHash: Uint8Array) => Promise<AccountDetails | undefined>;
  readonly findAccount: (id: string) => Promise<AccountDetails | undefined>;
  readonly listEvents: (accountId: string) => Promise<readonly AccountEvent[]>;
  readonly listMessages: (filter: MessageFilter) => Promise<readonly MessageSummary[]>;
  /** Of any organization. */
  readonly findMessage: (id: string) => Promise<MessageHistory | undefined>;
  readonly addressLimits: AddressLimits;
  readonly verifyByAdmin: (id: string) => Promise<AccountDetails | undefined>;
  readonly changeStatus: (id: string, status: AccountStatus) => Promise<AccountDetails | undefined>;
  readonly organizationKeys: {
    readonly create: (key: NewOrganizationKey) => Promise<OrganizationKey | undefined>;
    readonly list: (organizationId: string) => Promise<readonly OrganizationKey[]>;
    readonly revoke: (id: string) => Promise<OrganizationKey | undefined>;
  };
  /** Undefined without SESSION_KEYS: then nobody is let in, and the caller is told whose address was proved. */
  readonly sessions: V1Sessions | undefined;
  readonly decided: TellDecision;
}
