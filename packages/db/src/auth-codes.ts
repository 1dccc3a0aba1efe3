import { sql } from 'kysely';
import type { Database } from './database.ts';

export interface NewAuthCode {
  readonly codeHash: Uint8Array;
  readonly accountId: string;
  /** BASE64URL(SHA-256(verifier)). */
  readonly challenge: string;
  readonly ttlSeconds: number;
}

export const createAuthCode = async (db: Database, code: NewAuthCode): Promise<void> => {
  await db
    .insertInto('auth_codes')
    .values({
      code_hash: Buffer.from(code.codeHash),
      account_id: code.accountId,
      challenge: code.challenge,
      expires_at: sql<Date>`now() + make_interval(secs => ${code.ttlSeconds})`,
    })
    .execute();
};

export type CodeExchange =
  | { readonly kind: 'exchanged'; readonly accountId: string }
  /** `unknown`: never made, or used before. `wrong_verifier` leaves the code as it was. */
  | { readonly kind: 'unknown' | 'expired' | 'wrong_verifier' };

/** Uses a code up, once, for the holder of its verifier: of any number of parallel calls one gets the account. */
export const exchangeAuthCode = async (
  db: Database,
  codeHash: Uint8Array,
  challenge: string,
): Promise<CodeExchange> => {
  const hash = Buffer.from(codeHash);
  const used = await db
    .updateTable('auth_codes')
    .set({ used_at: sql<Date>`now()` })
    .where('code_hash', '=', hash)
    .where('challenge', '=', challenge)
    .where('used_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('account_id')
    .executeTakeFirst();
  if (used !== undefined) return { kind: 'exchanged', accountId: used.account_id };
  const found = await db
    .selectFrom('auth_codes')
    .select(['used_at', sql<boolean>`expires_at <= now()`.as('expired')])
    .where('code_hash', '=', hash)
    .executeTakeFirst();
  if (found === undefined || found.used_at !== null) return { kind: 'unknown' };
  return { kind: found.expired ? 'expired' : 'wrong_verifier' };
};
