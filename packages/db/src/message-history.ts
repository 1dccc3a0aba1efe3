import { sql } from 'kysely';
import type { DeliveryEventType } from '@reconfirm/core/delivery-event';
import type { Channel } from '@reconfirm/core/destination';
import { isSettled, type MessageStatus } from '@reconfirm/core/message';
import type { Database } from './database.ts';
import type {
  AttemptsTable,
  DeliveryEventsTable,
  LookupsTable,
  SuppressionsTable,
  VerificationsTable,
} from './schema.ts';
import type { RawBuilder, Selectable } from 'kysely';

/** A message as an operator sees it. `email` is the account's; a request for an unknown address has none. */
export interface MessageSummary {
  readonly id: string;
  readonly organizationId: string;
  readonly status: MessageStatus;
  readonly reason: string | null;
  readonly purpose: string;
  readonly channel: Channel;
  readonly contract: string;
  readonly accountId: string | null;
  readonly email: string | null;
  readonly provider: string | null;
  readonly attempt: number;
  readonly failures: number;
  readonly nextAt: Date;
  readonly acceptedAt: Date;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
}

export interface MessageFilter {
  readonly organizationId: string;
  /** Only messages for this address: found by its subjects, its accounts and its changes, whatever they were for. */
  readonly address?: { readonly key: Uint8Array; readonly subjectKeys: readonly Uint8Array[] };
  readonly accountId?: string;
  readonly statuses?: readonly MessageStatus[];
  /** Only messages made before this one: the last id of the page before. */
  readonly beforeId?: string;
  readonly limit: number;
}

const summaryColumns = [
  'messages.id',
  'messages.organization_id as organizationId',
  'messages.status',
  'messages.reason',
  'messages.purpose',
  'messages.channel',
  'messages.contract',
  'messages.account_id as accountId',
  'accounts.email',
  'messages.provider',
  'messages.attempt',
  'messages.failures',
  'messages.next_at as nextAt',
  'messages.accepted_at as acceptedAt',
  'messages.sent_at as sentAt',
  'messages.settled_at as settledAt',
] as const;

/**
 * Messages, newest first. A page ends where `limit` says; the last id is the next page's cursor.
 * Ids are UUIDv7, so their order is the order of acceptance to within the API hosts' clocks.
 */
export const listMessages = async (
  db: Database,
  filter: MessageFilter,
): Promise<readonly MessageSummary[]> => {
  let query = db
    .selectFrom('messages')
    .leftJoin('accounts', 'accounts.id', 'messages.account_id')
    .select(summaryColumns)
    .where('messages.organization_id', '=', filter.organizationId)
    .orderBy('messages.id', 'desc')
    .limit(filter.limit);
  if (filter.address !== undefined)
    query = query.where('messages.id', 'in', idsOfAddress(filter.organizationId, filter.address));
  if (filter.accountId !== undefined) query = query.where('messages.account_id', '=', filter.accountId);
  if (filter.statuses !== undefined) {
    query = query.where('messages.status', 'in', filter.statuses);
    // Said twice for the planner: unfinished messages are few and have an index of their own.
    if (!filter.statuses.some(isSettled)) query = query.where('messages.settled_at', 'is', null);
  }
  if (filter.beforeId !== undefined) query = query.where('messages.id', '<', filter.beforeId);
  return query.execute();
};

/**
 * The messages of one address. Those that only an account asks for are ordered by the account, so they are found
 * by it, and those of an address that an account is moving to or from by the change. Each way has an index.
 */
const idsOfAddress = (
  organizationId: string,
  { key, subjectKeys }: NonNullable<MessageFilter['address']>,
): RawBuilder<string> => {
  const addressKey = Buffer.from(key);
  return sql<string>`(
    SELECT id FROM messages WHERE subject_key = ANY (${subjectKeys.map((one) => Buffer.from(one))}::bytea[])
     UNION ALL
    SELECT of_account.id FROM accounts a JOIN messages of_account ON of_account.account_id = a.id
     WHERE a.organization_id = ${organizationId} AND (a.email_key = ${addressKey} OR a.phone_key = ${addressKey})
       AND of_account.address_key = ${addressKey}
     UNION ALL
    SELECT of_change.id FROM contact_changes c JOIN messages of_change ON of_change.change_id = c.id
     WHERE (c.new_key = ${addressKey} OR c.old_key = ${addressKey}) AND of_change.address_key = ${addressKey})`;
};

export interface MessageHistory {
  readonly message: MessageSummary;
  /** When the first newer message of the same subject was accepted; from then on this one's link was dead. */
  readonly newerAcceptedAt: Date | null;
  readonly attempts: readonly Selectable<AttemptsTable>[];
  readonly events: readonly (Pick<
    Selectable<DeliveryEventsTable>,
    'bounce' | 'reason' | 'occurred_at' | 'received_at'
  > & {
    readonly type: DeliveryEventType;
  })[];
  /** What came of asking the provider. */
  readonly lookups: readonly Selectable<LookupsTable>[];
  readonly verification: Pick<
    Selectable<VerificationsTable>,
    'created_at' | 'expires_at' | 'consumed_at' | 'revoked_at'
  > | null;
  /** What is on record of its address. */
  readonly suppression: Selectable<SuppressionsTable> | null;
}

/** Everything that is known of one message, whichever organization's; or undefined. */
export const findMessageHistory = async (db: Database, id: string): Promise<MessageHistory | undefined> => {
  const message = await db
    .selectFrom('messages')
    .leftJoin('accounts', 'accounts.id', 'messages.account_id')
    .select(summaryColumns)
    .select(
      sql<Date | null>`(SELECT newer.accepted_at FROM messages newer
        WHERE newer.subject_key = messages.subject_key AND newer.seq > messages.seq
        ORDER BY newer.seq LIMIT 1)`.as('newerAcceptedAt'),
    )
    .where('messages.id', '=', id)
    .executeTakeFirst();
  if (message === undefined) return undefined;
  const [attempts, events, lookups, verification, suppression] = await Promise.all([
    db.selectFrom('attempts').selectAll().where('message_id', '=', id).orderBy('number').execute(),
    db
      .selectFrom('delivery_events')
      .select(['type', 'bounce', 'reason', 'occurred_at', 'received_at'])
      .where('message_id', '=', id)
      .orderBy('id')
      .execute(),
    db.selectFrom('lookups').selectAll().where('message_id', '=', id).orderBy('asked_at').execute(),
    db
      .selectFrom('verifications')
      .select(['created_at', 'expires_at', 'consumed_at', 'revoked_at'])
      .where('message_id', '=', id)
      .executeTakeFirst(),
    db
      .selectFrom('suppressions')
      .innerJoin('messages', 'messages.address_key', 'suppressions.address_key')
      .selectAll('suppressions')
      .where('messages.id', '=', id)
      .executeTakeFirst(),
  ]);
  const { newerAcceptedAt, ...summary } = message;
  return {
    message: summary,
    newerAcceptedAt,
    attempts,
    events,
    lookups,
    verification: verification ?? null,
    suppression: suppression ?? null,
  };
};
