import { createHash, randomBytes } from 'node:crypto';
import type { AccountStatus } from '@reconfirm/core/account';
import { uuidV7 } from '@reconfirm/core/message-id';
import { sql } from 'kysely';
import { acceptMessages, type MessageRequest } from '../../src/accept-messages.ts';
import type { Database } from '../../src/database.ts';
import { type AccountRow, defaultOrganizationId, type MessageRow } from '../../src/schema.ts';

export const newId = (): string => uuidV7(Date.now(), randomBytes(10));

/** Thirty-two bytes that stand for a text, as keyed hashes do. */
export const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A request for an address; requests for one address share a subject. */
export const requestFor = (email: string, changes: Partial<MessageRequest> = {}): MessageRequest => ({
  id: newId(),
  organizationId: defaultOrganizationId,
  subjectKey: hashOf(`subject ${email}`),
  addressKey: hashOf(email),
  limitKey: hashOf(`limit ${email}`),
  ipKey: hashOf('ip 192.0.2.1'),
  purpose: 'signup',
  channel: 'email',
  contract: 'v1',
  locale: null,
  redirectUrl: null,
  idempotency: null,
  ...changes,
});

export const newEmail = (): string => `${randomBytes(6).toString('hex')}@example.com`;

/** An account that has an e-mail address. */
export type MailAccount = AccountRow & { readonly email: string };

/** An account that a request for its address finds. */
export const createAccount = async (
  db: Database,
  status: AccountStatus = 'pending',
): Promise<MailAccount> => {
  const email = newEmail();
  const row = await db
    .insertInto('accounts')
    .values({ id: newId(), organization_id: defaultOrganizationId, email, email_key: hashOf(email), status })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...row, email };
};

/** Accepts one request and returns its id. */
export const accept = async (
  db: Database,
  email: string,
  changes: Partial<MessageRequest> = {},
): Promise<string> => {
  const request = requestFor(email, changes);
  await acceptMessages(db, [request]);
  return request.id;
};

export const messageRow = async (db: Database, id: string): Promise<MessageRow> =>
  db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

export const accountRow = async (db: Database, id: string): Promise<AccountRow> =>
  db.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

export const verificationRow = async (db: Database, messageId: string) =>
  db.selectFrom('verifications').selectAll().where('message_id', '=', messageId).executeTakeFirstOrThrow();

/** Types of an account's events, oldest first. */
export const eventTypes = async (db: Database, accountId: string): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('account_events')
    .select('type')
    .where('account_id', '=', accountId)
    .orderBy('id')
    .execute();
  return rows.map((row) => row.type);
};

/** Moves all instants of one message and of its verification into the past: the tests' way to let time pass. */
export const letTimePass = async (db: Database, messageId: string, seconds: number): Promise<void> => {
  await sql`
    UPDATE messages SET accepted_at = accepted_at - make_interval(secs => ${seconds}),
           next_at = next_at - make_interval(secs => ${seconds}),
           rung_at = rung_at - make_interval(secs => ${seconds}),
           lease_until = lease_until - make_interval(secs => ${seconds})
     WHERE id = ${messageId}`.execute(db);
  await sql`
    UPDATE verifications SET expires_at = expires_at - make_interval(secs => ${seconds}),
           code_expires_at = code_expires_at - make_interval(secs => ${seconds})
     WHERE message_id = ${messageId}`.execute(db);
};
