import { sql } from 'kysely';
import type { Database } from '../../src/database.ts';
import { createWebhookEndpoint, type WebhookEndpoint } from '../../src/webhook-endpoints.ts';
import { defaultOrganizationId } from '../../src/schema.ts';
import { newId } from './rows.ts';

export interface ToldEvent {
  readonly type: string;
  readonly channel: string | null;
  readonly purpose: string | null;
  readonly method: string | null;
}

/** The outgoing events of an account, in the order in which they were made. */
export const toldOf = async (db: Database, accountId: string): Promise<readonly ToldEvent[]> =>
  db
    .selectFrom('outgoing_events')
    .select(['type', 'channel', 'purpose', 'method'])
    .where('account_id', '=', accountId)
    .orderBy('position')
    .execute();

/** How often each type was told of an account. */
export const countsOf = async (db: Database, accountId: string): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { type } of await toldOf(db, accountId)) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};

export const createEndpoint = (db: Database, eventTypes: readonly string[] = []): Promise<WebhookEndpoint> =>
  createWebhookEndpoint(db, {
    id: newId(),
    organizationId: defaultOrganizationId,
    url: 'https://app.example.com/hooks',
    eventTypes,
    secretSealed: Buffer.alloc(48, 1),
  });

/** Makes `count` accounts events of their own, as an operator's word does; in a transaction or not. */
export const makeEvents = async (db: Database, accountId: string, count: number): Promise<void> => {
  await sql`
    INSERT INTO account_events (account_id, type, detail)
    SELECT ${accountId}, 'EMAIL_VERIFIED', '{"by":"admin"}' FROM generate_series(1, ${count})`.execute(db);
};
