import type { ApiConfig } from '@reconfirm/core/config/config';
import { purposePoliciesOf } from '@reconfirm/core/config/config';
import { policyOf } from '@reconfirm/core/purposes/policy';
import { findIdempotentRequest } from '@reconfirm/db/accept-messages';
import { registerAccount } from '@reconfirm/db/accounts';
import { countGuess, findCodes, findCodesOfChanges, forgiveGuess } from '@reconfirm/db/code-guesses';
import { requestContactChange } from '@reconfirm/db/contact-changes';
import type { Database } from '@reconfirm/db/database';
import { writePassword } from '@reconfirm/db/passwords';
import { readToken } from '@reconfirm/db/token-state';
import { confirmToken } from '@reconfirm/db/verifications';
import { outlastBudget } from '@reconfirm/db/wait-budget';
import type { JudgeDisposable } from '@reconfirm/process/disposable-domains';
import type { CaptchaGate } from './captcha/gate.ts';
import { type ChangeContact, createChangeContact } from './change-contact.ts';
import { type ContractRules, rulesByOrganization, type RulesOf } from './contract-rules.ts';
import { type Confirm, createConfirm } from './confirm.ts';
import type { Intake } from './intake.ts';
import type { Limiter } from './limiter/limiter.ts';
import type { ApiMetrics } from './metrics.ts';
import type { AddressLimits } from './operator/address-limits.ts';
import { createRegister, type Register } from './register.ts';
import type { KeySettings } from './request-keys.ts';
import { createResend, type Resend, type SmsIntake } from './resend.ts';
import type { Access } from './sessions/access.ts';
import { createSetPasswordByToken, type SetPasswordByToken } from './set-password-by-token.ts';
import { createSeal } from './seal-content.ts';
import type { FindStatus } from './stores.ts';
import { tellDecision, type TellDecision } from './tell-decision.ts';
import type { Ring } from './intake.ts';

/** What every contract's use cases are made of. */
export interface Parts {
  readonly config: ApiConfig;
  /** The configuration as an organization has set it. */
  readonly configOf: (organizationId: string) => ApiConfig;
  readonly db: Database;
  readonly metrics: ApiMetrics;
  readonly keys: KeySettings;
  readonly limiter: Limiter;
  readonly captchaGate: CaptchaGate;
  readonly findStatus: FindStatus;
  readonly judgeDisposable: JudgeDisposable;
  readonly intake: Intake;
  readonly ring: Ring;
  readonly sms: SmsIntake;
  readonly addressLimits: AddressLimits;
  /** Sessions and passwords; undefined without SESSION_KEYS. */
  readonly access: Access | undefined;
}

/** For contracts whose callers sign in. The settings refuse them without SESSION_KEYS. */
export const accessOf = ({ access }: Parts): Access => {
  if (access === undefined) throw new Error('SESSION_KEYS is required by this contract');
  return access;
};

/** Setting a password by a mailed link, the same for every contract. */
export const setPasswordByTokenOf = (parts: Parts): SetPasswordByToken =>
  createSetPasswordByToken({
    passwords: accessOf(parts).passwords,
    readToken: (presented) => readToken(parts.db, presented),
    confirmAndStore: (presented, wanted, hash) =>
      confirmToken(parts.db, presented, wanted, async (tx, token) => {
        await writePassword(tx, token.accountId, hash, null);
      }),
  });

export interface UseCases {
  readonly resend: Resend;
  readonly register: Register;
  readonly changeContact: ChangeContact;
  readonly confirm: Confirm;
  readonly decided: TellDecision;
  readonly rulesOf: RulesOf;
}

/** The use cases as one contract calls them. */
export const createUseCases = (
  parts: Parts,
  contract: string,
  rules: (config: ApiConfig) => ContractRules,
): UseCases => {
  const { db, keys, limiter, sms, findStatus, ring, configOf } = parts;
  const rulesOf = rulesByOrganization(rules, configOf);
  return {
    resend: createResend({
      keys,
      rulesOf,
      seal: createSeal(configOf),
      limiter,
      sms,
      captchaGate: parts.config.CAPTCHA_PROVIDER === 'none' ? null : parts.captchaGate,
      findStatus,
      accept: parts.intake.accept,
      findIdempotent: (key) => findIdempotentRequest(db, key),
    }),
    register: createRegister({
      keys,
      rulesOf,
      limiter,
      captchaGate: parts.captchaGate,
      judgeDisposable: parts.judgeDisposable,
      findStatus,
      ring,
      write: (account, apiKey, message) => registerAccount(db, account, apiKey, message),
    }),
    changeContact: createChangeContact({
      keys,
      rulesOf,
      modeOf: (organizationId) => configOf(organizationId).EMAIL_CHANGE_MODE,
      lifetimeSeconds: (organizationId, purpose) =>
        policyOf(purpose, purposePoliciesOf(configOf(organizationId))).lifetime.linkSeconds,
      limiter,
      sms,
      write: (change, messages) => requestContactChange(db, change, messages),
      ring,
    }),
    confirm: createConfirm({
      keys,
      confirmToken: (presented, wanted) => confirmToken(db, presented, wanted),
      countGuess: (subjectKey) => countGuess(db, subjectKey, parts.config.CODE_GUESS_LIMIT),
      forgiveGuess: (subjectKey) => outlastBudget(() => forgiveGuess(db, subjectKey)),
      findCodes: (subjectKey) => findCodes(db, subjectKey),
      findCodesOfChanges: (addressKey, purpose) => findCodesOfChanges(db, addressKey, purpose),
    }),
    decided: tellDecision(parts.metrics, keys, contract),
    rulesOf,
  };
};
