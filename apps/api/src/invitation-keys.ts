import type { EmailAddress } from '@reconfirm/core/account';
import { type Inviter, inviterName } from '@reconfirm/core/invitation';
import { keyedHash } from '@reconfirm/core/keyed-hash';
import {
  type ContractLimits,
  type Limit,
  type LimitSubject,
  longestWindowSeconds,
} from '@reconfirm/core/limits';
import { purposes } from '@reconfirm/core/purposes/registry';
import { type KeySettings, makeRequestKeys, type RequestKeys } from './request-keys.ts';

/** How many invitations are sent: to one address, by one inviter, for one organization. */
export interface InvitationLimits {
  readonly address: readonly Limit[];
  readonly inviter: readonly Limit[];
  readonly organization: readonly Limit[];
}

/**
 * The same limits as those of a contract: where others count a client, an organization stands, which
 * accepted messages remember by their rows.
 */
export const contractLimitsOf = (limits: InvitationLimits): ContractLimits => ({
  ip: limits.organization,
  email: limits.address,
  phone: [],
});

export interface InvitationKeys {
  readonly keys: RequestKeys;
  /** All that an invitation is charged to, the widest first. */
  readonly subjects: readonly LimitSubject[];
}

/**
 * Under which keys an invitation is stored and counted: never by the client's address, which is the
 * administrator's, nor against the limits that the invited person has for asking for mail.
 */
export const makeInvitationKeys = (
  settings: KeySettings,
  limits: InvitationLimits,
  invitation: {
    readonly organizationId: string;
    readonly inviter: Inviter;
    readonly to: EmailAddress;
    readonly clientAddress: string;
  },
): InvitationKeys => {
  const { organizationId, inviter, to } = invitation;
  const base = makeRequestKeys(settings, {
    organizationId,
    purpose: purposes.invitation,
    destination: to,
    limits: contractLimitsOf(limits),
    clientAddress: invitation.clientAddress,
  });
  const organization: LimitSubject = {
    ...base.ip,
    key: keyedHash(settings.hashKey, 'inviting_organization', organizationId),
  };
  const byInviter: LimitSubject = {
    kind: 'ip',
    key: keyedHash(settings.hashKey, 'inviter', organizationId, inviterName(inviter)),
    limits: limits.inviter,
    rememberSeconds: longestWindowSeconds(limits.inviter),
  };
  return {
    keys: { ...base, ip: organization },
    subjects: [organization, byInviter, base.address],
  };
};
