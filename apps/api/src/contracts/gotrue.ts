import type { FastifyPluginAsync } from 'fastify';
import { parseEmailAddress } from '@reconfirm/core/account';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { type PasswordPolicy, passwordSizeMax } from '@reconfirm/core/password';
import { withOwnOrigin } from '@reconfirm/core/redirect';
import { findAccountProfile, mergeMetadata } from '@reconfirm/db/account-profile';
import { findOrganizationKey } from '@reconfirm/db/api-keys';
import { createAuthCode, exchangeAuthCode } from '@reconfirm/db/auth-codes';
import { countGuess, findCodes, forgiveGuess } from '@reconfirm/db/code-guesses';
import { isChangeComplete } from '@reconfirm/db/contact-changes';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { acceptInvitation, acceptSignUp } from '@reconfirm/db/sign-ups';
import { readToken } from '@reconfirm/db/token-state';
import { confirmToken } from '@reconfirm/db/verifications';
import { authenticateApiKey } from '../api-key.ts';
import { version } from '../app.ts';
import { createAuthCodes } from '../auth-code.ts';
import { createConfirmOnPage } from '../confirm-on-page.ts';
import type { GotrueRules } from '../dialects/gotrue/dependencies.ts';
import { gotrueDocument } from '../dialects/gotrue/document.ts';
import { gotrue } from '../dialects/gotrue/plugin.ts';
import { readPhoneNumber } from '../dialects/gotrue/read-phone.ts';
import { documented } from '../documentation.ts';
import { createInvite } from '../invite.ts';
import { negotiateLocale } from '../language.ts';
import { createOneTimeCode } from '../one-time-code.ts';
import type { Access } from '../sessions/access.ts';
import { createSignUp } from '../sign-up.ts';
import { createUpdateProfile } from '../update-profile.ts';
import type { ContractRules } from '../contract-rules.ts';
import { createUseCases, type Parts } from '../use-cases.ts';

/** What the GoTrue-shaped contract asks of the use cases. */
export const gotrueRules = (config: ApiConfig): ContractRules => ({
  contract: 'gotrue',
  limits: {
    ip: config.GOTRUE_RATE_LIMIT_IP,
    email: config.GOTRUE_RATE_LIMIT_EMAIL,
    phone: config.GOTRUE_RATE_LIMIT_PHONE,
    purposes: config.PURPOSE_RATE_LIMITS,
  },
  // The applications’ document: "Doesn't reveal if email/phone exists".
  disclosure: 'strict',
  refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none',
  asksCaptcha: true,
});

/** The settings refuse the contract without one. */
const siteUrlOf = (config: ApiConfig): string => config.GOTRUE_SITE_URL ?? config.PUBLIC_URL;

/** How its requests are read. */
const requestRules = (config: ApiConfig): GotrueRules => {
  return {
    identity: config.EMAIL_IDENTITY,
    readPhone: readPhoneNumber,
    emailOn: config.EMAIL_PROVIDER !== 'none',
    phoneOn: config.GOTRUE_PHONE === 'on',
    siteUrl: siteUrlOf(config),
    production: config.NODE_ENV === 'production',
    signUpOpen: config.GOTRUE_SIGNUP === 'open',
    messageId: config.GOTRUE_MESSAGE_ID,
    passwordSizeMin: config.PASSWORD_LENGTH_MIN,
  };
};

/** The GoTrue-shaped contract, put together. */
export const composeGotrue = (parts: Parts): FastifyPluginAsync => {
  const { config, access } = parts;
  if (access === undefined) throw new Error('the contract gotrue needs sessions: set SESSION_KEYS');
  return documented(
    gotrueDocument,
    { publicUrl: config.PUBLIC_URL, version },
    gotrue({ ...useCasesOf(parts, access), ...statementsOf(parts), ...settingsOf(parts) }),
  );
};

const settingsOf = ({ config, configOf }: Parts) => ({
  organizationId: defaultOrganizationId,
  rules: requestRules(config),
  // The site's own origin need not be listed.
  redirectsOf: (organizationId: string) =>
    withOwnOrigin(configOf(organizationId).REDIRECT_ORIGINS, siteUrlOf(config)),
  adminKey: config.ADMIN_KEY,
  brand: config.BRAND_NAME,
  version,
  negotiate: (header: string | undefined) => negotiateLocale(header, config.DEFAULT_LOCALE),
});

const statementsOf = ({ db }: Parts) => ({
  readToken: (presented: Parameters<typeof readToken>[1]) => readToken(db, presented),
  findProfile: (accountId: string) => findAccountProfile(db, accountId),
  isChangeComplete: (changeId: string) => isChangeComplete(db, changeId),
  authenticateKey: (authorization: string | undefined) =>
    authenticateApiKey(authorization, (id, hash) => findOrganizationKey(db, id, hash)),
  authCodes: createAuthCodes({
    create: (code) => createAuthCode(db, code),
    exchange: (hash, challenge) => exchangeAuthCode(db, hash, challenge),
  }),
});

const useCasesOf = (parts: Parts, access: Access) => {
  const { config, db, keys, limiter, sms, ring } = parts;
  const rules = requestRules(config);
  const shared = createUseCases(parts, 'gotrue', gotrueRules);
  const { sessions, passwords, signIn, setPassword } = access;
  const policy: PasswordPolicy = {
    sizeMin: config.PASSWORD_LENGTH_MIN,
    sizeMax: passwordSizeMax,
    classes: config.PASSWORD_CLASSES,
  };
  const signUp = createSignUp({
    rulesOf: shared.rulesOf,
    keys,
    limiter,
    sms,
    captchaGate: parts.captchaGate,
    judgeDisposable: parts.judgeDisposable,
    policy,
    passwords,
    write: (account, message, hash) => acceptSignUp(db, account, message, hash),
    ring,
  });
  return {
    resend: shared.resend,
    confirm: shared.confirm,
    decided: shared.decided,
    sessions,
    signIn,
    signUp,
    oneTimeCode: createOneTimeCode({
      keys,
      resend: shared.resend,
      signUp,
      isOpen: rules.signUpOpen,
      tellsUnknown: config.GOTRUE_OTP_UNKNOWN_USER === 'error',
      findStatus: parts.findStatus,
    }),
    invite: createInvite({
      rulesOf: shared.rulesOf,
      keys,
      write: (account, message, by) => acceptInvitation(db, account, message, by),
      ring,
    }),
    confirmOnPage: createConfirmOnPage({
      keys,
      readToken: (presented) => readToken(db, presented),
      confirmToken: (presented, purposes) => confirmToken(db, presented, purposes),
      countGuess: (subjectKey) => countGuess(db, subjectKey, config.CODE_GUESS_LIMIT),
      forgiveGuess: (subjectKey) => forgiveGuess(db, subjectKey),
      findCodes: (subjectKey) => findCodes(db, subjectKey),
    }),
    updateProfile: createUpdateProfile({
      policy,
      findProfile: (accountId) => findAccountProfile(db, accountId),
      readEmail: (text) => parseEmailAddress(text, rules.identity),
      readPhone: rules.readPhone,
      changeContact: shared.changeContact,
      passwords,
      setPassword,
      mergeMetadata: (accountId, members) => mergeMetadata(db, accountId, members),
    }),
  };
};
