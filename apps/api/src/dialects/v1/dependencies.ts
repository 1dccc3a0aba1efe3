import type { FastifyRequest } from 'fastify';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Destination } from '@reconfirm/core/destination';
import type { Secret } from '@reconfirm/core/secret';
import type { AccountDetails, AccountEvent } from '@reconfirm/db/accounts';
import type { MessageFilter, MessageHistory, MessageSummary } from '@reconfirm/db/message-history';
import type { ContractLimits } from '@reconfirm/core/limits';
import type { Presented, TokenFacts } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import type { CaptchaRoutesConfig } from '../../captcha/captcha-routes.ts';
import type { PageLocale } from '../../language.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import type { Register } from '../../register.ts';
import type { KeySettings } from '../../request-keys.ts';
import type { Resend } from '../../resend.ts';
import type { RequestRules } from './read-request.ts';

/** Everything that speaking seed 001 needs: use cases, statements, and settings of the contract. */
export interface V1Dependencies {
  readonly resend: Resend;
  readonly register: Register;
  readonly limiter: Limiter;
  readonly keys: KeySettings;
  readonly limits: ContractLimits;
  /** The organization that this contract's callers belong to. */
  readonly organizationId: string;
  readonly rules: RequestRules;
  readonly emailOff: 'rotate' | '503' | '400';
  readonly adminKey: Secret | undefined;
  readonly captcha: CaptchaRoutesConfig;
  readonly brand: string;
  readonly negotiate: (acceptLanguage: string | undefined) => PageLocale;
  readonly readToken: (presented: Presented) => Promise<TokenFacts>;
  readonly confirmToken: (presented: Presented, purposes: readonly string[]) => Promise<Confirmation>;
  readonly findByApiKey: (id: string, secretHash: Uint8Array) => Promise<AccountDetails | undefined>;
  readonly findAccount: (id: string) => Promise<AccountDetails | undefined>;
  readonly listEvents: (accountId: string) => Promise<readonly AccountEvent[]>;
  readonly listMessages: (filter: MessageFilter) => Promise<readonly MessageSummary[]>;
  readonly findMessage: (organizationId: string, id: string) => Promise<MessageHistory | undefined>;
  readonly verifyByAdmin: (id: string) => Promise<AccountDetails | undefined>;
  readonly changeStatus: (id: string, status: AccountStatus) => Promise<AccountDetails | undefined>;
  /** Logs and counts what was decided: the one wide line of a request for a message. */
  readonly decided: (
    request: FastifyRequest,
    what: string,
    destination: Destination,
    outcome: { readonly kind: string },
  ) => void;
}
