import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { uuidV7 } from '@reconfirm/core/message-id';
import { findPurpose } from '@reconfirm/core/purposes/registry';
import { confirmChangeSide, undoChange } from './contact-changes.ts';
import { type Database, databaseErrorCode } from './database.ts';
import { lockToken } from './lock-order.ts';
import { takeSignupPassword } from './sign-ups.ts';
import { markSmsVerified } from './sms-spend.ts';
import { liftByProof } from './suppress.ts';
import { type KnownToken, type Presented, readToken, type TokenFacts } from './token-state.ts';

/** What a confirmation came to. `live`: it changed the state just now. `address_taken`: nothing was changed. */
export type Confirmation =
  | TokenFacts
  /** The token was used just now, but its address had been proved in another way before. */
  | ({ readonly state: 'live'; readonly wasProved: true } & KnownToken)
  | ({ readonly state: 'address_taken' } & KnownToken)
  /** A token of another purpose than those that the caller confirms here. */
  | ({ readonly state: 'other_purpose' } & KnownToken);

/** SQLSTATE of a unique constraint. */
const uniqueViolation = '23505';

/**
 * Uses a token up and does what its purpose is for, in one transaction: of any number of parallel calls
 * one changes the state, and every call gets the state it may rely on. A token that was used before and
 * has not expired yet answers `consumed`, which is a success. Message and account are locked first, so that
 * two tokens of one account cannot both be the one that was used. Only tokens of `purposes` are taken.
 * What is to happen `alongside` happens in the same transaction, once, when the token is used now.
 */
export const confirmToken = async (
  db: Database,
  presented: Presented,
  purposes: readonly string[],
  alongside: (tx: Database, token: KnownToken) => Promise<void> = async () => {},
): Promise<Confirmation> => {
  try {
    return await db.transaction().execute(async (tx) => {
      await lockToken(tx, presented);
      const facts = await readToken(tx, presented);
      if (facts.state === 'unknown') return facts;
      if (!purposes.includes(facts.purpose)) return { ...facts, state: 'other_purpose' };
      if (facts.state !== 'live') return facts;
      if (!(await consume(tx, facts.messageId, presented.by))) return { ...facts, state: 'consumed' };
      if (findPurpose(facts.purpose)?.channel === 'sms') await markSmsVerified(tx, facts.messageId);
      const done = await takeEffect(tx, facts, presented.by);
      if (done === null) return { ...facts, state: 'superseded' };
      await alongside(tx, facts);
      const { email, wasProved } = done;
      return wasProved === true ? { ...facts, email, wasProved } : { ...facts, email };
    });
  } catch (error) {
    if (databaseErrorCode(error) !== uniqueViolation) throw error;
    // The new address of a change went to another account meanwhile.
    const facts = await readToken(db, presented);
    return facts.state === 'unknown' ? facts : { ...facts, state: 'address_taken' };
  }
};

/** The one conditional UPDATE that makes a token single-use; whoever uses it has shown that the mailbox works. */
const consume = async (tx: Database, messageId: string, by: Presented['by']): Promise<boolean> => {
  const { rows } = await sql<{ used: number }>`
    WITH used AS (
      UPDATE verifications SET consumed_at = now(), consumed_by = ${by}
       WHERE message_id = ${messageId} AND consumed_at IS NULL RETURNING message_id),
    ${liftByProof(sql`used`)}
    SELECT count(*)::int AS used FROM used`.execute(tx);
  return rows[0]?.used === 1;
};

const newMessageId = (): string => uuidV7(Date.now(), randomBytes(10));

interface Effect {
  readonly email: string | null;
  readonly wasProved?: boolean;
}

/** What a used token does to its account; null when the change that it belongs to is no longer wanted. */
const takeEffect = async (tx: Database, token: KnownToken, by: Presented['by']): Promise<Effect | null> => {
  if (token.purpose === 'email_changed' && token.change !== null)
    return undoChange(tx, token.accountId, token.change.id, token.messageId);
  if (token.change !== null)
    return confirmChangeSide(tx, token.accountId, token.change, token.messageId, newMessageId());
  return token.purpose === 'sms' ? provePhone(tx, token, by) : proveEmail(tx, token, by);
};

/** Whoever used the link has read the mailbox, whatever the message was for. */
const proveEmail = async (tx: Database, token: KnownToken, by: Presented['by']): Promise<Effect> => {
  const { rows } = await sql<{ email: string | null; first_proof: boolean }>`
    WITH before AS (SELECT id, verified_at IS NULL AS first_proof FROM accounts WHERE id = ${token.accountId})
    UPDATE accounts a
       SET status = CASE WHEN a.status = 'pending' THEN 'active' ELSE a.status END,
           verified_at = coalesce(a.verified_at, now()), updated_at = now()
      FROM before WHERE a.id = before.id
    RETURNING a.email, before.first_proof`.execute(tx);
  if (rows[0]?.first_proof === true) {
    await takeSignupPassword(tx, token);
    await tell(tx, token, 'EMAIL_VERIFIED', by);
  }
  if (token.purpose === 'invitation') await tell(tx, token, 'INVITATION_ACCEPTED', by);
  return { email: rows[0]?.email ?? null, wasProved: rows[0]?.first_proof === false };
};

/** An account that waits for the proof of its e-mail address goes on waiting: a number of one's own is no proof of it. */
const provePhone = async (tx: Database, token: KnownToken, by: Presented['by']): Promise<Effect> => {
  const { rows } = await sql<{ email: string | null; first_proof: boolean }>`
    WITH before AS (SELECT id, phone_verified_at IS NULL AS first_proof FROM accounts WHERE id = ${token.accountId})
    UPDATE accounts a
       SET status = CASE WHEN a.status = 'pending' AND a.email IS NULL THEN 'active' ELSE a.status END,
           phone_verified_at = coalesce(a.phone_verified_at, now()), updated_at = now()
      FROM before WHERE a.id = before.id
    RETURNING a.email, before.first_proof`.execute(tx);
  if (rows[0]?.first_proof === true) {
    await takeSignupPassword(tx, token);
    await tell(tx, token, 'PHONE_VERIFIED', by);
  }
  return { email: rows[0]?.email ?? null, wasProved: rows[0]?.first_proof === false };
};

const tell = async (
  tx: Database,
  token: KnownToken,
  type: 'EMAIL_VERIFIED' | 'PHONE_VERIFIED' | 'INVITATION_ACCEPTED',
  by: Presented['by'],
): Promise<void> => {
  await tx
    .insertInto('account_events')
    .values({
      account_id: token.accountId,
      type,
      detail: JSON.stringify({ by, purpose: token.purpose, messageId: token.messageId }),
    })
    .execute();
};
