import { randomBytes } from 'node:crypto';
import { clientPrefix } from '@reconfirm/core/client-address';
import type { Destination } from '@reconfirm/core/destination';
import { derivedHash, keyedHash } from '@reconfirm/core/keyed-hash';
import {
  type Limit,
  type LimitDecision,
  longestWindowSeconds,
  type LimitSubject,
} from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { Secret } from '@reconfirm/core/secret';
import type { Channel } from '@reconfirm/core/destination';
import type { Credentials } from '@reconfirm/db/passwords';
import type { Limiter } from './limiter/limiter.ts';
import { addressKeyOf, type KeySettings } from './request-keys.ts';
import { giveBackOne } from './resend.ts';
import type { OwnSessions } from './sessions/create-sessions.ts';
import type { Passwords } from './sessions/passwords.ts';
import type { IssuedSession } from './sessions/sessions.ts';

export interface SignInCommand {
  readonly organizationId: string;
  readonly destination: Destination;
  readonly password: Secret;
  readonly clientAddress: string;
  /** Whether the contract lets nobody in who has not proved the address. */
  readonly onlyVerified: boolean;
}

/** Everything that a sign-in by password can come to; each dialect has an answer for each. */
export type SignInOutcome =
  | {
      readonly kind: 'signed_in';
      readonly accountId: string;
      readonly session: IssuedSession;
      readonly limits: readonly LimitDecision[];
    }
  /** No such account, no password set, or another password: nobody is told which. */
  | { readonly kind: 'refused'; readonly limits: readonly LimitDecision[] }
  /** The password was right, so this may be said. */
  | { readonly kind: 'suspended' | 'unverified'; readonly limits: readonly LimitDecision[] }
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

export interface SignInDependencies {
  readonly keys: KeySettings;
  /** Of one address, and of one client (RATE_LIMIT_SIGN_IN). */
  readonly limits: readonly Limit[];
  readonly limiter: Limiter;
  readonly findCredentials: (
    organizationId: string,
    channel: Channel,
    addressKey: Uint8Array,
  ) => Promise<Credentials | undefined>;
  readonly passwords: Pick<Passwords, 'verify'>;
  readonly sessions: Pick<OwnSessions, 'openByPassword'>;
  /** Counts what was decided. */
  readonly decided: (kind: SignInOutcome['kind']) => void;
}

export type SignIn = (command: SignInCommand) => Promise<SignInOutcome>;

/**
 * Sign-in by password. Both limits are charged before the password is looked at, so that parallel guesses
 * pass none of them; the work is the same whether the account exists or not. A sign-in that succeeded gives
 * the client's charge back: an office behind one address may arrive at nine.
 */
export const createSignIn = (deps: SignInDependencies): SignIn => {
  return async (command) => {
    const charges = subjectsOf(command);
    const ip = await deps.limiter.charge(charges.ip, charges.chargeId);
    if (!ip.allowed) return decided({ kind: 'limited', by: ip, limits: [ip] });
    try {
      return decided(await decideCharged(command, charges, ip));
    } catch (error) {
      // Nobody was let in and no password was told right or wrong: the attempt did not happen.
      await Promise.allSettled([
        deps.limiter.refund(charges.ip, charges.chargeId),
        deps.limiter.refund(charges.address, charges.chargeId),
      ]);
      throw error;
    }
  };

  async function decideCharged(
    command: SignInCommand,
    charges: Charges,
    ip: LimitDecision,
  ): Promise<SignInOutcome> {
    const address = await deps.limiter.charge(charges.address, charges.chargeId);
    if (!address.allowed) {
      await deps.limiter.refund(charges.ip, charges.chargeId);
      return { kind: 'limited', by: address, limits: [giveBackOne(ip), address] };
    }
    const limits = [ip, address];
    const credentials = await prove(command, charges.addressKey);
    if (credentials === null) return { kind: 'refused', limits };
    if (credentials.status === 'suspended') return { kind: 'suspended', limits };
    if (command.onlyVerified && !credentials.isVerified) return { kind: 'unverified', limits };
    const session = await deps.sessions.openByPassword(credentials.accountId, credentials.passwordHash);
    // The password, or the account, was changed while we looked at it.
    if (session === null) return { kind: 'refused', limits };
    await deps.limiter.refund(charges.ip, charges.chargeId).catch(() => undefined);
    return {
      kind: 'signed_in',
      accountId: credentials.accountId,
      session,
      limits: [giveBackOne(ip), address],
    };
  }

  /** The credentials whose password this is. */
  async function prove(
    command: SignInCommand,
    addressKey: Uint8Array,
  ): Promise<(Credentials & { readonly passwordHash: string }) | null> {
    const { organizationId, destination, password } = command;
    const found = await deps.findCredentials(organizationId, destination.channel, addressKey);
    const passwordHash = found?.passwordHash ?? null;
    const isRight = await deps.passwords.verify(passwordHash, password);
    return isRight && found !== undefined && passwordHash !== null ? { ...found, passwordHash } : null;
  }

  /** Limits of their own: neither does a wrong password cost a mail, nor a mail a sign-in. */
  function subjectsOf({ organizationId, destination, clientAddress }: SignInCommand): Charges {
    const { hashKey, ipv6PrefixBits } = deps.keys;
    const rememberSeconds = longestWindowSeconds(deps.limits);
    const addressKey = addressKeyOf(deps.keys, organizationId, destination.lookupForm);
    const mailboxKey = addressKeyOf(deps.keys, organizationId, destination.limitForm);
    const clientKey = keyedHash(hashKey, 'ip', clientPrefix(clientAddress, ipv6PrefixBits));
    const subject = (kind: LimitSubject['kind'], key: Uint8Array): LimitSubject => ({
      kind,
      key: derivedHash('limit:sign_in', key),
      limits: deps.limits,
      rememberSeconds,
    });
    return {
      chargeId: uuidV7(Date.now(), randomBytes(10)),
      addressKey,
      ip: subject('ip', clientKey),
      address: subject('address', mailboxKey),
    };
  }

  function decided(outcome: SignInOutcome): SignInOutcome {
    deps.decided(outcome.kind);
    return outcome;
  }
};

interface Charges {
  readonly chargeId: string;
  readonly addressKey: Uint8Array;
  readonly ip: LimitSubject;
  readonly address: LimitSubject;
}
