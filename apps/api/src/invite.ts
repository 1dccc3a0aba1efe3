import { randomBytes } from 'node:crypto';
import type { EmailAddress } from '@reconfirm/core/account';
import { type Inviter, inviterName } from '@reconfirm/core/invitation';
import { derivedHash } from '@reconfirm/core/keyed-hash';
import { uuidV7 } from '@reconfirm/core/message-id';
import { purposes } from '@reconfirm/core/purposes/registry';
import type { MessageRequest } from '@reconfirm/db/accept-messages';
import type { AskedAccount, Invitation } from '@reconfirm/db/sign-ups';
import type { RulesOf } from './contract-rules.ts';
import { type KeySettings, makeRequestKeys } from './request-keys.ts';
import { messageRequestOf } from './resend.ts';
import { writeFault } from './write-fault.ts';
import type { Ring } from './intake.ts';

/** An invitation by a caller who may see who has an account. */
export interface InviteCommand {
  readonly organizationId: string;
  readonly email: EmailAddress;
  readonly inviter: Inviter;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
  readonly clientAddress: string;
  readonly context: NonNullable<MessageRequest['context']>;
}

export type InviteOutcome =
  | { readonly kind: 'invited'; readonly messageId: string; readonly accountId: string }
  | { readonly kind: 'already_verified' }
  | { readonly kind: 'email_off' };

export interface InviteDependencies {
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  readonly write: (account: AskedAccount, message: MessageRequest, by: string) => Promise<Invitation>;
  readonly ring: Ring;
}

export type Invite = (command: InviteCommand) => Promise<InviteOutcome>;

/** Invites an address, or invites it again: no limit stands between an operator and a person who waits. */
export const createInvite =
  (deps: InviteDependencies): Invite =>
  async (command) => {
    const { contract, refusesWhileEmailIsOff } = deps.rulesOf(command.organizationId);
    if (refusesWhileEmailIsOff) return { kind: 'email_off' };
    const purpose = purposes.invitation;
    const made = makeRequestKeys(deps.keys, {
      ...command,
      purpose,
      destination: command.email,
      limits: { ip: [], email: [], phone: [] },
    });
    // It counts against nobody: the service's own address must not run out for its users.
    const limitKey = derivedHash('limit:invited', made.addressKey);
    const keys = {
      ...made,
      ip: { ...made.ip, key: limitKey },
      address: { ...made.address, key: limitKey },
    };
    const account: AskedAccount = {
      ...command,
      id: uuidV7(Date.now(), randomBytes(10)),
      destination: command.email,
      addressKey: made.addressKey,
    };
    const message = messageRequestOf({ ...command, purpose, contract }, keys);
    const written = await deps
      .write(account, message, inviterName(command.inviter))
      .catch((cause: unknown) => {
        throw writeFault(cause);
      });
    if (written.kind === 'already_verified') return written;
    deps.ring(made.messageId, purpose);
    return { kind: 'invited', messageId: made.messageId, accountId: written.accountId };
  };
