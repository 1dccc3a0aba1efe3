import type { Database } from '@reconfirm/db/database';
import type { MessageRow } from '@reconfirm/db/schema';

const tables = [
  'accounts',
  'account_events',
  'api_keys',
  'messages',
  'verifications',
  'delivery_events',
] as const;

/** How many rows each table holds that a request could write to. */
export const countRows = async (db: Database): Promise<Record<string, number>> => {
  const counts = await Promise.all(
    tables.map(async (table) => {
      const row = await db
        .selectFrom(table)
        .select((of) => of.fn.countAll<string>().as('count'))
        .executeTakeFirstOrThrow();
      return [table, Number(row.count)] as const;
    }),
  );
  return Object.fromEntries(counts);
};

/** The messages of the installation in the order of their acceptance. */
export const allMessages = (db: Database): Promise<MessageRow[]> =>
  db.selectFrom('messages').selectAll().orderBy('seq').execute();

/** The message that was accepted last. */
export const newestMessage = (db: Database): Promise<MessageRow> =>
  db.selectFrom('messages').selectAll().orderBy('seq', 'desc').limit(1).executeTakeFirstOrThrow();
