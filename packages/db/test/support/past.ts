import { sql } from 'kysely';
import type { Database } from '../../src/database.ts';
import { insertManyMessages } from './explain.ts';
import { createAccount, hashOf } from './rows.ts';

/** Rows of each table that the past fills. */
export const pastSize = 50_000;

/** What a test asks for in a large past. */
export interface Past {
  readonly accountId: string;
  readonly ipKey: Buffer;
  readonly limitKey: Buffer;
}

/**
 * An installation that has run for ten days: 50,000 messages settled and as many reports, charges
 * and sessions, a backlog of 50,000 that nobody has in hand, and one client that asked for a fifth of it all.
 */
export const makePast = async (db: Database): Promise<Past> => {
  await insertManyMessages(db, pastSize, pastSize);
  const account = await createAccount(db);
  const [ipKey, limitKey] = [hashOf('busy client'), hashOf('busy address')];
  await sql`
    UPDATE messages SET accepted_at = now() - random() * interval '10 days',
           ip_key = CASE WHEN random() < 0.2 THEN ${ipKey}::bytea ELSE ip_key END,
           limit_key = CASE WHEN random() < 0.2 THEN ${limitKey}::bytea ELSE limit_key END`.execute(db);
  await sql`
    UPDATE messages SET account_id = ${account.id}
     WHERE id IN (SELECT id FROM messages WHERE settled_at IS NOT NULL LIMIT 20)`.execute(db);
  await sql`
    UPDATE messages SET status = 'bounced'
     WHERE id IN (SELECT id FROM messages WHERE settled_at IS NOT NULL LIMIT 20)`.execute(db);
  // A provider that never reports: what it took is `sent` for ever.
  await sql`
    UPDATE messages SET status = 'sent', provider = 'smtp', settled_at = now(), sent_at = now() - random() * interval '1 day'
     WHERE id IN (SELECT id FROM messages WHERE settled_at IS NULL LIMIT 2000)`.execute(db);
  await sql`
    INSERT INTO delivery_events (provider, event_id, message_id, type, occurred_at, received_at, applied_at)
    SELECT 'mailgun', id::text, id, 'delivered', accepted_at, accepted_at, accepted_at
      FROM messages WHERE settled_at IS NOT NULL`.execute(db);
  await sql`
    INSERT INTO limit_charges (subject_key, charge_id, charged_at)
    SELECT limit_key, id, now() - random() * interval '1 day' FROM messages WHERE settled_at IS NOT NULL`.execute(
    db,
  );
  await sql`
    INSERT INTO sessions (id, account_id, expires_at)
    SELECT id, ${account.id}, now() + random() * interval '30 days' FROM messages WHERE settled_at IS NOT NULL`.execute(
    db,
  );
  await sql`
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT sha256(id::text::bytea), id, expires_at FROM sessions`.execute(db);
  await sql`VACUUM ANALYZE`.execute(db);
  return { accountId: account.id, ipKey, limitKey };
};
