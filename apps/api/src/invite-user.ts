import type { EmailAddress } from '@reconfirm/core/account';
import { type Inviter, inviterName } from '@reconfirm/core/invitation';
import type { LimitDecision } from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import { purposes } from '@reconfirm/core/purposes/registry';
import type { MessageRequest } from '@reconfirm/db/accept-messages';
import type { ChargeForgotten } from '@reconfirm/db/charged-transaction';
import type { InviteUserOutcome as Written, NewUser, NoInvitation } from '@reconfirm/db/invitations';
import type { UserDetails } from '@reconfirm/db/users';
import { type InvitationKeys, type InvitationLimits, makeInvitationKeys } from './invitation-keys.ts';
import { chargeAll, refundAll, refundEach } from './limiter/charge-all.ts';
import type { Limiter } from './limiter/limiter.ts';
import { writeCharged, type WrittenCharged } from './limiter/write-charged.ts';
import { drawRandom } from '@reconfirm/process/random-pool';
import type { KeySettings } from './request-keys.ts';
import { mayGiveBack, messageRequestOf } from './resend.ts';
import type { FindStatus } from './stores.ts';
import { writeFault } from './write-fault.ts';
import type { Ring } from './intake.ts';

/** Who invites whom, and where the link leads. */
interface Invitation {
  readonly organizationId: string;
  readonly inviter: Inviter;
  readonly email: EmailAddress;
  readonly redirectUrl: string | null;
  readonly locale: string | null;
  readonly clientAddress: string;
}

export interface InviteUserCommand extends Invitation {
  readonly name: string | null;
  readonly isAdmin: boolean;
}

/** Another invitation for a user who has not accepted the one before. */
export interface RenewInvitationCommand extends Invitation {
  readonly accountId: string;
}

interface Limited {
  readonly kind: 'limited';
  readonly by: LimitDecision;
  readonly limits: readonly LimitDecision[];
}

export type InviteUserOutcome =
  | {
      readonly kind: 'invited';
      readonly user: UserDetails;
      readonly messageId: string;
      readonly limits: readonly LimitDecision[];
    }
  | { readonly kind: 'duplicate' | 'no_seat' }
  | Limited;

export type RenewInvitationOutcome =
  | { readonly kind: 'renewed'; readonly messageId: string; readonly limits: readonly LimitDecision[] }
  | { readonly kind: NoInvitation }
  | Limited;

export interface InvitationDependencies {
  readonly keys: KeySettings;
  readonly contract: string;
  readonly limits: InvitationLimits;
  /** Most users of one organization; null for no limit. */
  readonly seatsOf: (organizationId: string) => number | null;
  readonly limiter: Limiter;
  readonly findStatus: FindStatus;
  readonly writeUser: (
    user: NewUser,
    invitation: { readonly message: MessageRequest; readonly by: string; readonly seats: number | null },
  ) => Promise<Written | ChargeForgotten>;
  readonly writeRenewal: (
    change: { readonly organizationId: string; readonly accountId: string; readonly by: string },
    message: MessageRequest,
  ) => Promise<NoInvitation | 'renewed' | ChargeForgotten>;
  readonly ring: Ring;
}

export interface Invitations {
  /** Creates a user who is to set a password by the link of a mail. */
  invite(command: InviteUserCommand): Promise<InviteUserOutcome>;
  /** Sends another mail; from then on only its link works. */
  renew(command: RenewInvitationCommand): Promise<RenewInvitationOutcome>;
  /** Seconds until another mail to this address would be accepted from this inviter. */
  waitSeconds(invitation: Omit<Invitation, 'redirectUrl' | 'locale'>): Promise<number>;
}

/**
 * Inviting users into an organization. Both ways of inviting are charged alike, so that deleting a user and
 * making it anew (the EntryGuard document’s way) sends no more mail than asking for another.
 */
export const createInvitations = (deps: InvitationDependencies): Invitations => {
  return {
    invite: async (command) => {
      const made = keysOf(command);
      const status = await deps.findStatus(command.organizationId, made.keys.addressKey);
      if (status !== null) return { kind: 'duplicate' };
      const outcome = await charged(made, (limitMemory) =>
        deps.writeUser(userOf(command, made), {
          message: { ...messageOf(command, made), limitMemory },
          by: inviterName(command.inviter),
          seats: deps.seatsOf(command.organizationId),
        }),
      );
      if (outcome.kind === 'limited') return outcome;
      const { written, limits } = outcome;
      await finish(made, written.kind === 'invited');
      return written.kind === 'invited'
        ? { kind: 'invited', user: written.user, messageId: made.keys.messageId, limits }
        : { kind: written.kind };
    },

    renew: async (command) => {
      const made = keysOf(command);
      const { organizationId, accountId, inviter } = command;
      const change = { organizationId, accountId, by: inviterName(inviter) };
      const outcome = await charged(made, (limitMemory) =>
        deps.writeRenewal(change, { ...messageOf(command, made), limitMemory }),
      );
      if (outcome.kind === 'limited') return outcome;
      const { written, limits } = outcome;
      await finish(made, written === 'renewed');
      return written === 'renewed'
        ? { kind: 'renewed', messageId: made.keys.messageId, limits }
        : { kind: written };
    },

    waitSeconds: async (invitation) => {
      const { subjects } = keysOf({ ...invitation, redirectUrl: null, locale: null });
      const decisions = await Promise.all(subjects.map((subject) => deps.limiter.peek(subject)));
      return Math.max(0, ...decisions.map((decision) => decision.retryAfterSeconds));
    },
  };

  function keysOf(invitation: Invitation): InvitationKeys {
    return makeInvitationKeys(deps.keys, deps.limits, { ...invitation, to: invitation.email });
  }

  /** Charges, then writes. */
  async function charged<T>(
    { keys, subjects }: InvitationKeys,
    write: (limitMemory: number | null) => Promise<T | ChargeForgotten>,
  ): Promise<WrittenCharged<T>> {
    const charge = await chargeAll(deps.limiter, subjects, keys.chargeId);
    if (charge.kind === 'limited') return charge;
    const charges = subjects.map((subject) => ({ subject, chargeId: keys.chargeId }));
    return writeCharged({ limiter: deps.limiter, charges, limits: charge.limits }, (limitMemory) =>
      write(limitMemory).catch(async (cause: unknown) => {
        const fault = writeFault(cause);
        if (mayGiveBack(fault, keys)) await refundEach(deps.limiter, charges);
        throw fault;
      }),
    );
  }

  /** What did not come to a message costs nothing. */
  async function finish({ keys, subjects }: InvitationKeys, isWritten: boolean): Promise<void> {
    if (isWritten) deps.ring(keys.messageId, purposes.invitation);
    else await refundAll(deps.limiter, subjects, keys.chargeId);
  }

  function messageOf(invitation: Invitation, { keys }: InvitationKeys): MessageRequest {
    return messageRequestOf({ ...invitation, contract: deps.contract, purpose: purposes.invitation }, keys);
  }

  function userOf(command: InviteUserCommand, { keys }: InvitationKeys): NewUser {
    return {
      id: uuidV7(Date.now(), drawRandom(10)),
      organizationId: command.organizationId,
      email: command.email.address,
      emailKey: keys.addressKey,
      name: command.name,
      isAdmin: command.isAdmin,
      locale: command.locale,
    };
  }
};
