import type { ChangeMode, ChangeSide } from '@reconfirm/core/contact-change';
import type { Destination } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import { purposes } from '@reconfirm/core/purposes/registry';
import type { MessageRequest } from '@reconfirm/db/accept-messages';
import type { ChargeForgotten } from '@reconfirm/db/charged-transaction';
import type { NewContactChange } from '@reconfirm/db/contact-changes';
import type { RulesOf } from './contract-rules.ts';
import { type Charge, chargeEach, refundEach } from './limiter/charge-all.ts';
import type { Limiter } from './limiter/limiter.ts';
import { type ChargedRequest, writeCharged, type WrittenCharged } from './limiter/write-charged.ts';
import { drawRandom } from '@reconfirm/process/random-pool';
import { type Client, type KeySettings, makeRequestKeys, type RequestKeys } from './request-keys.ts';
import { mayGiveBack, messageRequestOf, type ResendOutcome, type SmsIntake } from './resend.ts';
import { writeFault } from './write-fault.ts';
import type { Ring } from './intake.ts';

/** A signed-in account's wish for another address. */
export interface ChangeContactCommand {
  readonly organizationId: string;
  readonly accountId: string;
  readonly to: Destination;
  /** What the account has now; null where it has none on this channel. */
  readonly current: { readonly destination: Destination; readonly isVerified: boolean } | null;
  readonly redirectUrl: string | null;
  readonly locale: string | null;
  readonly clientAddress: Client;
  /** What the contract must remember until the confirmation. */
  readonly context?: NonNullable<MessageRequest['context']>;
}

export type ChangeContactOutcome =
  | {
      readonly kind: 'asked';
      readonly changeId: string;
      readonly mode: ChangeMode;
      /** By the side that each goes to. */
      readonly messageIds: Readonly<Partial<Record<ChangeSide, string>>>;
      readonly limits: readonly LimitDecision[];
    }
  | { readonly kind: 'same_address' }
  | Extract<ResendOutcome, { kind: 'sms_refused' }>
  | { readonly kind: 'unknown_account' }
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

export interface ChangeContactDependencies {
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  /** What holds for an account whose current address is proved. */
  readonly modeOf: (organizationId: string) => ChangeMode;
  readonly lifetimeSeconds: (organizationId: string, purpose: Purpose) => number;
  readonly limiter: Limiter;
  readonly sms: SmsIntake;
  readonly write: (
    change: NewContactChange,
    messages: readonly MessageRequest[],
  ) => Promise<boolean | ChargeForgotten>;
  readonly ring: Ring;
}

export type ChangeContact = (command: ChangeContactCommand) => Promise<ChangeContactOutcome>;

/**
 * Starts the move of an account to another address. The new address always proves itself; the current one
 * has to agree where it is proved and the mode says so. An address that was never proved has no say, so a
 * typing mistake at sign-up is mended in one step. Whether the new address belongs to somebody is not told
 * here: it comes out when its owner confirms.
 */
export const createChangeContact = (deps: ChangeContactDependencies): ChangeContact => {
  return async (command) => {
    if (command.current?.destination.lookupForm === command.to.lookupForm) return { kind: 'same_address' };
    const refusal = command.to.channel === 'sms' ? deps.sms.refusalOf(command.to) : null;
    if (refusal !== null) return { kind: 'sms_refused', reason: refusal };
    const mode = modeFor(command);
    const changeId = uuidV7(Date.now(), drawRandom(10));
    const messages = sidesOf(mode).map((side) => ({ side, keys: keysFor(command, side) }));
    const charges = chargesOf(messages.map(({ keys }) => keys));
    const limiter = command.to.channel === 'sms' ? deps.sms.limiter : deps.limiter;
    const charged = await chargeEach(limiter, charges);
    if (charged.kind === 'limited') return charged;
    const request = { limiter, charges, limits: charged.limits };
    const outcome = await write(command, { changeId, mode }, messages, request);
    if (outcome.kind === 'limited') return outcome;
    if (!outcome.written) return { kind: 'unknown_account' };
    for (const { keys } of messages) deps.ring(keys.messageId, purposeFor(command));
    const messageIds = Object.fromEntries(messages.map(({ side, keys }) => [side, keys.messageId]));
    return { kind: 'asked', changeId, mode, messageIds, limits: outcome.limits };
  };

  function modeFor({ organizationId, current, to }: ChangeContactCommand): ChangeMode {
    return to.channel === 'email' && current?.isVerified === true ? deps.modeOf(organizationId) : 'new_only';
  }

  function keysFor(command: ChangeContactCommand, side: ChangeSide): RequestKeys {
    const destination = side === 'new' ? command.to : (command.current?.destination ?? command.to);
    return makeRequestKeys(deps.keys, {
      ...command,
      destination,
      purpose: purposeFor(command),
      limits: deps.rulesOf(command.organizationId).limits,
      change: { accountId: command.accountId, side },
    });
  }

  async function write(
    command: ChangeContactCommand,
    { changeId, mode }: { readonly changeId: string; readonly mode: ChangeMode },
    messages: readonly { readonly side: ChangeSide; readonly keys: RequestKeys }[],
    charged: ChargedRequest,
  ): Promise<WrittenCharged<boolean>> {
    const newKeys = messages[0]?.keys;
    if (newKeys === undefined) throw new Error('a change has a message to its new address');
    const purpose = purposeFor(command);
    const requests = messages.map(({ side, keys }) =>
      messageRequestOf(
        {
          ...command,
          contract: deps.rulesOf(command.organizationId).contract,
          purpose,
          change: { accountId: command.accountId, id: changeId, side },
        },
        keys,
      ),
    );
    const change: NewContactChange = {
      id: changeId,
      organizationId: command.organizationId,
      accountId: command.accountId,
      channel: command.to.channel,
      mode,
      newAddress: command.to.address,
      newKey: newKeys.addressKey,
      ttlSeconds: deps.lifetimeSeconds(command.organizationId, purpose),
    };
    return writeCharged(charged, (limitMemory) =>
      deps
        .write(
          change,
          requests.map((request) => ({ ...request, limitMemory })),
        )
        .catch(async (cause: unknown) => {
          const fault = writeFault(cause);
          if (mayGiveBack(fault, newKeys)) await refundEach(charged.limiter, charged.charges);
          throw fault;
        }),
    );
  }
};

/** The client pays once, each address for its own mail. */
const chargesOf = (all: readonly RequestKeys[]): readonly Charge[] =>
  all.flatMap(({ ip, address, chargeId }, index) => [
    ...(index === 0 ? [{ subject: ip, chargeId }] : []),
    { subject: address, chargeId },
  ]);

const purposeFor = ({ to }: ChangeContactCommand) =>
  to.channel === 'sms' ? purposes.phone_change : purposes.email_change;

/** The new side first: its address is what the change is stored with. */
const sidesOf = (mode: ChangeMode): readonly ChangeSide[] => (mode === 'both' ? ['new', 'current'] : ['new']);
