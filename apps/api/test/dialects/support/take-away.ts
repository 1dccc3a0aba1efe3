import type { Database } from '@reconfirm/db/database';

/** Renames a column while some work is done: only the statements that need it fail. */
export const withoutColumn = async <T>(
  db: Database,
  name: `${string}.${string}`,
  work: () => Promise<T>,
): Promise<T> => {
  const [table = '', column = ''] = name.split('.');
  const away = `${column}_away`;
  await db.schema.alterTable(table).renameColumn(column, away).execute();
  try {
    return await work();
  } finally {
    await db.schema.alterTable(table).renameColumn(away, column).execute();
  }
};
