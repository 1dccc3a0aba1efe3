import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { withOwnOrigin } from '@reconfirm/core/redirect';
import { findAccountProfile } from '@reconfirm/db/account-profile';
import * as accounts from '@reconfirm/db/accounts';
import * as apiKeys from '@reconfirm/db/api-keys';
import { cancelContactChange, findPendingChange } from '@reconfirm/db/contact-changes';
import { isConfirmedSince } from '@reconfirm/db/message-handle';
import { findMessageHistory, listMessages } from '@reconfirm/db/message-history';
import {
  createOrganization,
  findOrganization,
  listOrganizations,
  updateOrganization,
} from '@reconfirm/db/organizations';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { readToken } from '@reconfirm/db/token-state';
import { confirmToken } from '@reconfirm/db/verifications';
import type { V1Dependencies, V1Sessions } from '../dialects/v1/dependencies.ts';
import { v1, v1Page } from '../dialects/v1/plugin.ts';
import type { RequestRules } from '../dialects/v1/read-request.ts';
import { negotiateLocale } from '../language.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { ContractRules } from '../contract-rules.ts';
import { createUseCases, type Parts } from '../use-cases.ts';

/** What the v1 contract asks of the use cases. */
export const v1Rules = (config: ApiConfig): ContractRules => ({
  contract: 'v1',
  limits: {
    ip: config.RATE_LIMIT_IP,
    email: config.RATE_LIMIT_ADDRESS,
    phone: config.RATE_LIMIT_PHONE,
    purposes: config.PURPOSE_RATE_LIMITS,
  },
  disclosure: config.DISCLOSURE,
  refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none' && config.EMAIL_OFF !== 'rotate',
  asksCaptcha: true,
});

/** Made once for each configuration, as the set of origins is. */
const requestRules = new WeakMap<ApiConfig, RequestRules>();

export const requestRulesOf = (config: ApiConfig): RequestRules => {
  const known = requestRules.get(config);
  if (known !== undefined) return known;
  const made: RequestRules = {
    identity: config.EMAIL_IDENTITY,
    phones: {
      allowedPrefixes: config.SMS_ALLOW_PREFIXES,
      ...(config.SMS_DEFAULT_COUNTRY && { defaultCountry: config.SMS_DEFAULT_COUNTRY }),
    },
    redirects: withOwnOrigin(config.REDIRECT_ORIGINS, config.PUBLIC_URL),
    redirectOnMiss: config.REDIRECT_ON_MISS,
    production: config.NODE_ENV === 'production',
  };
  requestRules.set(config, made);
  return made;
};

/** The v1 contract, put together. */
export const composeV1 = (parts: Parts): FastifyPluginAsync => v1(v1Dependencies(parts));

/** Its page alone: links that belong to no contract (the notice of a change of address) lead there. */
export const composeV1Page = (parts: Parts): FastifyPluginAsync => v1Page(v1Dependencies(parts));

const v1Dependencies = (parts: Parts): V1Dependencies => {
  const { config, db, keys, limiter, access } = parts;
  return {
    ...createUseCases(parts, 'v1', v1Rules),
    limiter,
    keys,
    organizationId: defaultOrganizationId,
    requestRulesOf: (organizationId) => requestRulesOf(parts.configOf(organizationId)),
    emailOff: config.EMAIL_OFF,
    adminKey: config.ADMIN_KEY,
    captcha: config,
    brand: config.BRAND_NAME,
    negotiate: (header) => negotiateLocale(header, config.DEFAULT_LOCALE),
    findPendingChange: (accountId, channel) => findPendingChange(db, accountId, channel),
    cancelChange: (accountId, channel) => cancelContactChange(db, accountId, channel),
    organizations: {
      create: (organization) => createOrganization(db, organization),
      list: () => listOrganizations(db),
      find: (id) => findOrganization(db, id),
      update: (id, change) => updateOrganization(db, id, change),
      limits: { production: config.NODE_ENV === 'production', rememberSeconds: keys.rememberSeconds },
    },
    sessions: access && sessionsOf(db, access.sessions),
    isConfirmedSince: (organizationId, id) => isConfirmedSince(db, organizationId, id),
    readToken: (presented) => readToken(db, presented),
    confirmToken: (presented, purposes) => confirmToken(db, presented, purposes),
    findByApiKey: (id, hash) => accounts.findAccountByApiKey(db, id, hash),
    findAccount: (id) => accounts.findAccount(db, id),
    listEvents: (id) => accounts.listAccountEvents(db, id),
    listMessages: (filter) => listMessages(db, filter),
    findMessage: (id) => findMessageHistory(db, id),
    addressLimits: parts.addressLimits,
    verifyByAdmin: (id) => accounts.verifyAccountByAdmin(db, id),
    changeStatus: (id, status) => accounts.changeAccountStatus(db, id, status),
    organizationKeys: {
      create: (key) => apiKeys.createOrganizationKey(db, key),
      list: (organizationId) => apiKeys.listOrganizationKeys(db, organizationId),
      revoke: (id) => apiKeys.revokeOrganizationKey(db, id),
    },
  };
};

const sessionsOf = (db: Database, sessions: Sessions): V1Sessions => ({
  openFor: async (accountId) => {
    const account = await findAccountProfile(db, accountId);
    if (account === undefined) throw new Error('an account that was just confirmed is gone');
    const { id, organizationId, isAdmin, email, phone } = account;
    return sessions.open({ id, organizationId, isAdmin, email, phone });
  },
  refresh: (refreshToken) => sessions.refresh(refreshToken),
  authenticate: (accessToken) => sessions.authenticate(accessToken),
  end: (identity, which) => sessions.end(identity, which),
});
