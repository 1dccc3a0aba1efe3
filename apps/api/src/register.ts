import { randomBytes } from 'node:crypto';
import type { EmailAddress } from '@reconfirm/core/account';
import type { LimitDecision } from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import { purposes } from '@reconfirm/core/purposes/registry';
import type { Secret } from '@reconfirm/core/secret';
import type { MessageRequest } from '@reconfirm/db/accept-messages';
import type { AccountDetails, NewAccount } from '@reconfirm/db/accounts';
import type { ChargeForgotten } from '@reconfirm/db/charged-transaction';
import type { JudgeDisposable } from '@reconfirm/process/disposable-domains';
import { makeApiKey } from './api-key.ts';
import type { CaptchaGate, CaptchaRefusal, GateRefusal } from './captcha/gate.ts';
import type { RulesOf } from './contract-rules.ts';
import type { Limiter } from './limiter/limiter.ts';
import { writeCharged } from './limiter/write-charged.ts';
import { chargesOf, type KeySettings, makeRequestKeys, type RequestKeys } from './request-keys.ts';
import { mayGiveBack, messageRequestOf, withoutCharge } from './resend.ts';
import type { FindStatus } from './stores.ts';
import { writeFault } from './write-fault.ts';
import type { Ring } from './intake.ts';

export interface RegisterCommand {
  readonly organizationId: string;
  readonly email: EmailAddress;
  readonly name: string | null;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
  readonly clientAddress: string;
  /** What the captcha's widget gave. */
  readonly captchaAnswer: string | undefined;
}

export type RegisterOutcome =
  | {
      readonly kind: 'registered';
      readonly messageId: string;
      readonly account: AccountDetails;
      readonly apiKey: Secret;
      readonly limits: readonly LimitDecision[];
    }
  | { readonly kind: 'already_registered' }
  /** Refused by its domain, whoever has it. */
  | { readonly kind: 'disposable_address' }
  | CaptchaRefusal
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

export interface RegisterDependencies {
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  readonly limiter: Limiter;
  readonly captchaGate: CaptchaGate;
  readonly judgeDisposable: JudgeDisposable;
  readonly findStatus: FindStatus;
  /** Writes account, key and message in one transaction; null when the address is taken. */
  readonly write: (
    account: NewAccount,
    apiKey: { readonly id: string; readonly secretHash: Uint8Array },
    message: MessageRequest,
  ) => Promise<AccountDetails | null | ChargeForgotten>;
  readonly ring: Ring;
}

export type Register = (command: RegisterCommand) => Promise<RegisterOutcome>;

/** Creates an account and asks for its first mail, under the same limits as every later one. */
export const createRegister = (deps: RegisterDependencies): Register => {
  return async (command) => {
    const { policy, isDisposable } = deps.judgeDisposable(command.organizationId, command.email.address);
    if (policy === 'refuse' && isDisposable) return { kind: 'disposable_address' };
    const purpose = purposes.signup;
    const keys = makeRequestKeys(deps.keys, {
      ...command,
      destination: command.email,
      limits: deps.rulesOf(command.organizationId).limits,
      purpose,
    });
    const ip = await deps.limiter.charge(keys.ip, keys.chargeId);
    try {
      return await decideCharged(command, keys, ip);
    } catch (error) {
      if (mayGiveBack(error, keys))
        await Promise.allSettled([
          deps.limiter.refund(keys.ip, keys.chargeId),
          deps.limiter.refund(keys.address, keys.chargeId),
        ]);
      throw error;
    }
  };

  async function decideCharged(
    command: RegisterCommand,
    keys: RequestKeys,
    ip: LimitDecision,
  ): Promise<RegisterOutcome> {
    const refusal = await deps.captchaGate(ip, {
      keys,
      action: 'register',
      channel: purposes.signup.channel,
      clientAddress: command.clientAddress,
      answer: command.captchaAnswer,
    });
    if (refusal !== null && refusal !== 'passed') return refuse(keys, ip, refusal);

    // The client's limit stays charged: the contract tells who is registered, but not for nothing.
    if ((await deps.findStatus(command.organizationId, keys.addressKey)) !== null)
      return { kind: 'already_registered' };
    const address = await deps.limiter.charge(keys.address, keys.chargeId);
    if (!address.allowed) return refuse(keys, ip, { kind: 'limited', by: address, limits: [ip, address] });
    return write(command, keys, ip, address);
  }

  async function refuse(
    keys: RequestKeys,
    ip: LimitDecision,
    refusal: GateRefusal,
  ): Promise<RegisterOutcome> {
    if (ip.allowed) await deps.limiter.refund(keys.ip, keys.chargeId);
    return withoutCharge(refusal, ip);
  }

  async function write(
    command: RegisterCommand,
    keys: RequestKeys,
    ip: LimitDecision,
    address: LimitDecision,
  ): Promise<RegisterOutcome> {
    const apiKey = makeApiKey();
    const message = messageRequestOf(
      { ...command, contract: deps.rulesOf(command.organizationId).contract, purpose: purposes.signup },
      keys,
    );
    const account: NewAccount = {
      id: uuidV7(Date.now(), randomBytes(10)),
      organizationId: command.organizationId,
      email: command.email.address,
      emailKey: keys.addressKey,
      name: command.name,
      locale: command.locale,
      redirectUrl: command.redirectUrl,
    };
    const charged = { limiter: deps.limiter, charges: chargesOf(keys, ip), limits: [ip, address] };
    const outcome = await writeCharged(charged, (limitMemory) =>
      deps.write(account, apiKey, { ...message, limitMemory }).catch((cause: unknown) => {
        throw writeFault(cause);
      }),
    );
    if (outcome.kind === 'limited') return outcome;
    const { written, limits } = outcome;
    if (written === null) {
      await deps.limiter.refund(keys.address, keys.chargeId);
      return { kind: 'already_registered' };
    }
    deps.ring(keys.messageId, purposes.signup);
    return { kind: 'registered', messageId: keys.messageId, account: written, apiKey: apiKey.text, limits };
  }
};
