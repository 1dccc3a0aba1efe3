import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { purposePoliciesOf } from '@reconfirm/core/config/config';
import { passwordSizeMax } from '@reconfirm/core/password';
import { policyOf } from '@reconfirm/core/purposes/policy';
import { purposes } from '@reconfirm/core/purposes/registry';
import { setPasswordPath } from '@reconfirm/core/contract';
import { withOwnOrigin } from '@reconfirm/core/redirect';
import { findOrganizationKey } from '@reconfirm/db/api-keys';
import * as invitationRows from '@reconfirm/db/invitations';
import { listInvitations } from '@reconfirm/db/list-invitations';
import { findOrganization } from '@reconfirm/db/organizations';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import * as userRows from '@reconfirm/db/users';
import { version } from '../app.ts';
import { createAuthorizeAdministrator } from '../authorize-administrator.ts';
import { entryguard } from '../dialects/entryguard/plugin.ts';
import { type ContractDocument, documented } from '../documentation.ts';
import { contractLimitsOf, type InvitationLimits } from '../invitation-keys.ts';
import { createInvitations } from '../invite-user.ts';
import { tellDecision } from '../tell-decision.ts';
import type { ContractRules } from '../contract-rules.ts';
import { accessOf, type Parts, setPasswordByTokenOf } from '../use-cases.ts';

const limitsOf = (config: ApiConfig): InvitationLimits => ({
  address: config.ENTRYGUARD_RATE_LIMIT_ADDRESS,
  inviter: config.ENTRYGUARD_RATE_LIMIT_INVITER,
  organization: config.ENTRYGUARD_RATE_LIMIT_ORGANIZATION,
});

/** What the EntryGuard contract asks of the use cases. */
export const entryguardRules = (config: ApiConfig): ContractRules => ({
  contract: 'entryguard',
  limits: contractLimitsOf(limitsOf(config)),
  // An administrator sees the accounts of the organization anyway.
  disclosure: 'documented',
  refusesWhileEmailIsOff: false,
  asksCaptcha: false,
});

export const entryguardDocument: ContractDocument = {
  name: 'entryguard',
  title: 'Reconfirm: users and invitations (EntryGuard)',
  description:
    'Creating a user sends an invitation; setting a password by its link proves the address. Errors have a sentence in `message` and, for machines, `code`.',
  tags: [
    { name: 'Users', description: 'For administrators of an organization.' },
    { name: 'Invitations', description: 'What became of an invitation, and accepting one.' },
  ],
  securitySchemes: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      description:
        'Access token of an administrator, a key of the organization with accounts:write, or ADMIN_KEY',
    },
    apiKey: {
      type: 'apiKey',
      in: 'header',
      name: 'X-API-Key',
      description: 'A key of the organization with accounts:write (accounts:read to look)',
    },
  },
};

/** The EntryGuard contract, put together. */
export const composeEntryguard = (parts: Parts): FastifyPluginAsync => {
  const { config, db, keys } = parts;
  const access = accessOf(parts);
  const plugin = entryguard({
    authorize: createAuthorizeAdministrator({
      adminKey: config.ADMIN_KEY,
      defaultOrganizationId,
      findKey: (id, hash) => findOrganizationKey(db, id, hash),
      authenticate: access.sessions.authenticate,
    }),
    invitations: createInvitations({
      keys,
      contract: 'entryguard',
      limits: limitsOf(config),
      seatsOf: (organizationId) => parts.configOf(organizationId).ENTRYGUARD_USER_SEATS,
      limiter: parts.limiter,
      findStatus: parts.findStatus,
      ring: parts.ring,
      writeUser: (user, invitation) => invitationRows.inviteUser(db, user, invitation),
      writeRenewal: (change, message) => invitationRows.renewInvitation(db, change, message),
    }),
    setPassword: setPasswordByTokenOf(parts),
    openSession: (user) => access.sessions.open({ ...user, phone: null }),
    identity: config.EMAIL_IDENTITY,
    keys,
    origins: withOwnOrigin(config.REDIRECT_ORIGINS, config.PUBLIC_URL),
    setPasswordUrl: config.ENTRYGUARD_SET_PASSWORD_URL ?? new URL(setPasswordPath, config.PUBLIC_URL).href,
    invitationSecondsOf: (organizationId) =>
      policyOf(purposes.invitation, purposePoliciesOf(parts.configOf(organizationId))).lifetime.linkSeconds,
    passwordPolicy: {
      sizeMin: config.PASSWORD_LENGTH_MIN,
      sizeMax: passwordSizeMax,
      classes: config.PASSWORD_CLASSES,
    },
    subscriptionTierOf: (organizationId) => parts.configOf(organizationId).ENTRYGUARD_SUBSCRIPTION_TIER,
    findUser: (organizationId, id) => userRows.findUser(db, organizationId, id),
    listUsers: (organizationId, page) => userRows.listUsers(db, organizationId, page),
    changeUser: (at, change) => userRows.changeUser(db, at, change),
    deleteUser: (organizationId, id) => userRows.deleteUser(db, organizationId, id),
    findInvitation: (organizationId, id) => invitationRows.findInvitation(db, organizationId, id),
    listInvitations: (organizationId, page) => listInvitations(db, organizationId, page),
    extendInvitation: (change, until) => invitationRows.extendInvitation(db, change, until),
    revokeInvitation: (change) => invitationRows.revokeInvitation(db, change),
    findOrganization: (id) => findOrganization(db, id),
    decided: tellDecision(parts.metrics, keys, 'entryguard'),
  });
  return documented(entryguardDocument, { publicUrl: config.PUBLIC_URL, version }, plugin);
};
