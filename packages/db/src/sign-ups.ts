import { sql } from 'kysely';
import type { Destination } from '@reconfirm/core/destination';
import { acceptMessages, type MessageRequest } from './accept-messages.ts';
import { type ChargeForgotten, chargedTransaction } from './charged-transaction.ts';
import type { Database } from './database.ts';
import { writeInvitation } from './invitations.ts';

/** An account that somebody asks for who may have one already. */
export interface AskedAccount {
  /** Becomes the account's id when there is none yet. */
  readonly id: string;
  readonly organizationId: string;
  readonly destination: Destination;
  readonly addressKey: Uint8Array;
  readonly locale: string | null;
  readonly name?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Makes the account unless its address or number is taken, and accepts the message, all or nothing: the
 * same statements whoever asks, and nothing tells whether there was an account. An account that exists is
 * left as it is. A password waits beside the message until that message is confirmed, and only for an
 * account that has not proved the address yet.
 */
export const acceptSignUp = async (
  db: Database,
  account: AskedAccount,
  message: MessageRequest,
  passwordHash: string | null,
): Promise<'accepted' | ChargeForgotten> =>
  chargedTransaction(db, message.limitMemory, async (tx): Promise<'accepted'> => {
    await insertUnlessTaken(tx, account);
    await acceptMessages(tx, [message]);
    if (passwordHash === null) return 'accepted';
    const isPhone = account.destination.channel === 'sms';
    await sql`
      INSERT INTO signup_passwords (message_id, account_id, password_hash)
      SELECT ${message.id}::uuid, a.id, ${passwordHash} FROM accounts a
       WHERE a.organization_id = ${account.organizationId}
         AND ${sql.ref(isPhone ? 'a.phone_key' : 'a.email_key')} = ${Buffer.from(account.addressKey)}
         AND ${sql.ref(isPhone ? 'a.phone_verified_at' : 'a.verified_at')} IS NULL`.execute(tx);
    return 'accepted';
  });

/** What inviting an address came to. */
export type Invitation =
  | { readonly kind: 'invited'; readonly accountId: string }
  /** The account has proved the address: nothing was written. */
  | { readonly kind: 'already_verified' };

/** Makes the account unless there is one, and accepts its invitation by somebody, unless the address is proved. */
export const acceptInvitation = async (
  db: Database,
  account: AskedAccount,
  message: MessageRequest,
  by: string,
): Promise<Invitation> =>
  db.transaction().execute(async (tx) => {
    await insertUnlessTaken(tx, account);
    const found = await tx
      .selectFrom('accounts')
      .select(['id', 'verified_at'])
      .where('organization_id', '=', account.organizationId)
      .where('email_key', '=', Buffer.from(account.addressKey))
      .forShare()
      .executeTakeFirstOrThrow();
    if (found.verified_at !== null) return { kind: 'already_verified' };
    await writeInvitation(tx, { accountId: found.id, messageId: message.id, by });
    await acceptMessages(tx, [message]);
    return { kind: 'invited', accountId: found.id };
  });

const insertUnlessTaken = async (tx: Database, account: AskedAccount): Promise<void> => {
  const { channel, address } = account.destination;
  const key = Buffer.from(account.addressKey);
  await tx
    .insertInto('accounts')
    .values({
      id: account.id,
      organization_id: account.organizationId,
      name: account.name ?? null,
      ...(channel === 'sms' ? { phone: address, phone_key: key } : { email: address, email_key: key }),
      locale: account.locale,
      metadata: JSON.stringify(account.metadata),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
};

/**
 * Gives an account, at its first proof, the password that came with the message which proved it. A sign-up
 * that was confirmed by a later mail without a password gets the one that was ever offered, if there was
 * only one: of several, nobody can say which of them its owner typed.
 */
export const takeSignupPassword = async (
  tx: Database,
  proof: { readonly accountId: string; readonly messageId: string; readonly purpose: string },
): Promise<void> => {
  await sql`
    WITH offered AS (
      DELETE FROM signup_passwords WHERE account_id = ${proof.accountId} RETURNING message_id, password_hash),
    chosen AS (
      SELECT password_hash FROM offered WHERE message_id = ${proof.messageId}
      UNION ALL
      SELECT min(password_hash) FROM offered
       WHERE ${proof.purpose === 'signup'}::boolean
         AND NOT EXISTS (SELECT FROM offered WHERE message_id = ${proof.messageId})
      HAVING count(*) = 1)
    UPDATE accounts a SET password_hash = chosen.password_hash, updated_at = now()
      FROM chosen WHERE a.id = ${proof.accountId} AND a.password_hash IS NULL`.execute(tx);
};
