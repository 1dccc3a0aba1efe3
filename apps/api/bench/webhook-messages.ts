import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidV7 } from '@reconfirm/core/message-id';
import { type MessageStatus, messageRanks } from '@reconfirm/core/message';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId, type NewMessage } from '@reconfirm/db/schema';

/** What is reported of a message; `status` is where it alone would take one that was sent. */
export type News = 'delivered' | 'bounced' | 'complained';

export interface Report {
  readonly messageId: string;
  readonly news: News;
}

const rowsAtOnce = 500;
const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

const newMessage = (): NewMessage & { readonly id: string; readonly account_id: string } => {
  const now = new Date();
  const key = randomBytes(32);
  return {
    id: uuidV7(now.getTime(), randomBytes(10)),
    account_id: uuidV7(now.getTime(), randomBytes(10)),
    organization_id: defaultOrganizationId,
    subject_key: hash(`subject ${key.toString('hex')}`),
    address_key: key,
    limit_key: hash(`limit ${key.toString('hex')}`),
    ip_key: hash('192.0.2.1'),
    purpose: 'signup',
    channel: 'email',
    contract: 'v1',
    status: 'sent',
    attempt: 1,
    provider: 'smtp',
    sent_at: now,
    settled_at: now,
  };
};

/** Messages that were sent to an account each, as the worker leaves them. Resolves to their ids. */
export const sendMessages = async (db: Database, count: number): Promise<readonly string[]> => {
  const ids: string[] = [];
  while (ids.length < count) {
    const rows = Array.from({ length: Math.min(rowsAtOnce, count - ids.length) }, newMessage);
    await db
      .insertInto('accounts')
      .values(
        rows.map(({ account_id: id, address_key: email_key }) => ({
          id,
          organization_id: defaultOrganizationId,
          email: `${id}@example.com`,
          email_key,
          status: 'pending' as const,
        })),
      )
      .execute();
    await db.insertInto('messages').values(rows).execute();
    await db
      .insertInto('verifications')
      .values(
        rows.map(({ id: message_id, account_id }) => ({
          message_id,
          account_id,
          token_hash: hash(message_id),
          key_version: 1,
          ttl_seconds: 3600,
          expires_at: new Date(Date.now() + 3_600_000),
        })),
      )
      .execute();
    ids.push(...rows.map(({ id }) => id));
  }
  return ids;
};

/** One report for each message, a second one for one in 25: 92 deliveries in 100 reports, 6 bounces and 2 complaints. */
export const reportsOf = (messageIds: readonly string[]): readonly Report[] =>
  messageIds.flatMap((messageId, index): readonly Report[] => {
    const delivered: Report = { messageId, news: 'delivered' };
    // Half of the second reports come before the first.
    if (index % 50 === 15) return [{ messageId, news: 'bounced' }, delivered];
    if (index % 50 === 40) return [delivered, { messageId, news: 'complained' }];
    return [index % 25 === 10 ? { messageId, news: 'bounced' } : delivered];
  });

const applyTimeoutMs = 60_000;

/** Waits until no report is left to be applied after its answer; what is not by then counts as lost. */
export const untilApplied = async (db: Database): Promise<void> => {
  const endMs = performance.now() + applyTimeoutMs;
  while (performance.now() < endMs) {
    const left = await db
      .selectFrom('delivery_events')
      .select('id')
      .where('applied_at', 'is', null)
      .limit(1)
      .execute();
    if (left.length === 0) return;
    await delay(5);
  }
};

export interface Kept {
  /** Reports that were answered with 200 and are not in the table, or are there twice. */
  readonly lost: number;
  /** Messages that do not stand at the highest of what was answered with 200. */
  readonly misplaced: number;
}

/** Looks after the load what the database has of the reports that were answered with 200. */
export const countKept = async (db: Database, answered: readonly Report[]): Promise<Kept> => {
  const expected = new Map<string, News>();
  for (const { messageId, news } of answered) {
    const known = expected.get(messageId);
    if (known === undefined || messageRanks[news] > messageRanks[known]) expected.set(messageId, news);
  }
  const stored = new Map<string, number>();
  const statuses = new Map<string, MessageStatus>();
  const ids = [...expected.keys()];
  for (let from = 0; from < ids.length; from += rowsAtOnce) {
    const some = ids.slice(from, from + rowsAtOnce);
    const events = await db
      .selectFrom('delivery_events')
      .select(['message_id', 'type'])
      .where('message_id', 'in', some)
      .where('applied_at', 'is not', null)
      .execute();
    for (const { message_id: id, type } of events)
      stored.set(`${id} ${type}`, (stored.get(`${id} ${type}`) ?? 0) + 1);
    const rows = await db.selectFrom('messages').select(['id', 'status']).where('id', 'in', some).execute();
    for (const { id, status } of rows) statuses.set(id, status);
  }
  return {
    lost: answered.filter(({ messageId, news }) => stored.get(`${messageId} ${news}`) !== 1).length,
    misplaced: ids.filter((id) => statuses.get(id) !== expected.get(id)).length,
  };
};
