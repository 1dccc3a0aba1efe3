import { randomBytes } from 'node:crypto';
import { hash, type Options, verify } from '@node-rs/argon2';
import { normalizePassword } from '@reconfirm/core/password';
import type { Secret } from '@reconfirm/core/secret';
import { type BoundedWork, createBoundedWork } from './bounded-work.ts';

/**
 * OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane. 20 ms on one core here. Hashes
 * carry their own parameters, so raising these leaves stored ones as good as they were. Argon2id is the
 * package's default; its enum has no value at run time that could name it.
 */
const argon2Options: Options = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

/**
 * Half of libuv's four threads, so that signatures and files are never behind passwords: 38 MiB at most.
 * What waits would be done in one to three seconds; more is refused at once with 503.
 */
const bounds = { widthMax: 2, waitingMax: 100, waitMsMax: 3000 } as const;

export interface Argon2 {
  readonly hash: (password: string) => Promise<string>;
  readonly verify: (stored: string, password: string) => Promise<boolean>;
}

const argon2: Argon2 = {
  hash: (password) => hash(password, argon2Options),
  verify: (stored, password) => verify(stored, password),
};

export interface Passwords {
  /** The PHC string to store. Rejects with AppError `passwords_busy` when too many wait. */
  hash(password: Secret): Promise<string>;
  /**
   * Whether it is the password with this hash. Null, for an account that does not exist or has none, costs
   * the same as any other. Rejects with AppError `passwords_busy` when too many wait.
   */
  verify(stored: string | null, password: Secret): Promise<boolean>;
}

/** Passwords as Argon2id. Makes a hash at once, of a password that nobody knows. */
export const createPasswords = async (
  { hash: hashText, verify: verifyText }: Argon2 = argon2,
  inTurns: BoundedWork = createBoundedWork({ ...bounds, fault: 'passwords_busy' }),
): Promise<Passwords> => {
  const decoy = await hashText(randomBytes(32).toString('base64'));
  return {
    hash: (password) => inTurns(() => hashText(normalizePassword(password.reveal()))),
    verify: (stored, password) =>
      inTurns(async () => {
        const isRight = await verifyText(stored ?? decoy, normalizePassword(password.reveal()));
        return stored !== null && isRight;
      }),
  };
};
