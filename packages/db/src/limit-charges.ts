import { sql } from 'kysely';
import type { LimitSubject } from '@reconfirm/core/limits';
import type { Database } from './database.ts';

/** A counted request of a subject. `charge` is the id under which counting it again changes nothing. */
export interface CountedRequest {
  readonly charge: string;
  readonly ageMs: number;
}

/**
 * What the rows remember of a subject for as long as any contract counts them: accepted messages and charges made
 * in Postgres. The same request counts once, whatever counted it.
 */
export const readCharges = async (
  db: Database,
  subject: LimitSubject,
): Promise<readonly CountedRequest[]> => {
  const { rows } = await sql<{ charge: string; age_ms: number }>`
    SELECT charge, age_ms FROM recent_charges(
      ${Buffer.from(subject.key)}::bytea, ${subject.kind}::text, ${subject.rememberSeconds}::int)`.execute(
    db,
  );
  return rows.map((row) => ({ charge: row.charge, ageMs: row.age_ms }));
};

/** The same for many subjects in one statement, in the order given. */
export const readChargesOfMany = async (
  db: Database,
  subjects: readonly LimitSubject[],
): Promise<readonly (readonly CountedRequest[])[]> => {
  const { rows } = await sql<{ position: number; charge: string; age_ms: number }>`
    SELECT wanted.position::int, counted.charge, counted.age_ms
      FROM unnest(
        ${subjects.map((s) => Buffer.from(s.key))}::bytea[],
        ${subjects.map((s) => s.kind)}::text[],
        ${subjects.map((s) => s.rememberSeconds)}::int[]
      ) WITH ORDINALITY AS wanted (key, kind, window_seconds, position)
     CROSS JOIN LATERAL recent_charges(wanted.key, wanted.kind, wanted.window_seconds) counted`.execute(db);
  const counted = Map.groupBy(rows, (row) => row.position);
  return subjects.map((_, index) =>
    (counted.get(index + 1) ?? []).map((row) => ({ charge: row.charge, ageMs: row.age_ms })),
  );
};

/**
 * Checks and charges all limits of one subject, all or none, serialised by the subject. Returns the
 * ages of the counted requests, the new one included when it was charged (or had been before).
 */
export const chargeLimits = async (
  db: Database,
  subject: LimitSubject,
  charge: string,
): Promise<{ readonly charged: boolean; readonly agesMs: readonly number[] }> => {
  const { rows } = await sql<{ charged: boolean; ages_ms: number[] }>`
    SELECT charged, ages_ms FROM charge_limits(
      ${Buffer.from(subject.key)}::bytea, ${subject.kind}::text, ${charge}::uuid,
      ${subject.limits.map((l) => l.max)}::int[], ${subject.limits.map((l) => l.windowSeconds)}::int[])`.execute(
    db,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('charge_limits returned no row');
  return { charged: row.charged, agesMs: row.ages_ms };
};

/**
 * `alone`: it counts. `beside_rows`: it counts, and another process has been without Redis within the time asked
 * for, and may still charge in the rows. `ended`: such a process has ended it, and it does not count any more.
 */
export type MemoryBegun = 'alone' | 'beside_rows' | 'ended';

/**
 * From here on rows are written only of what was charged under this memory, or in Postgres; every row of an
 * earlier one is committed when this resolves. Nothing is written when it is the one that counts already.
 */
export const beginLimitMemory = async (
  db: Database,
  memory: number,
  withinSeconds: number,
): Promise<MemoryBegun> => {
  const { rows } = await sql<{ begun: MemoryBegun }>`
    SELECT begin_limit_memory(${memory}::bigint, ${withinSeconds}::float8) AS begun`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error('begin_limit_memory returned no row');
  return row.begun;
};

/** The same for a process that has lost Redis: nothing of any memory is written from here on. `mark` is its own. */
export const beginLimitRows = async (db: Database, mark: number): Promise<void> => {
  await sql`SELECT begin_limit_rows(${-mark}::bigint)`.execute(db);
};

/** Takes a charge back; taking back what was never charged changes nothing. */
export const refundCharge = async (db: Database, subjectKey: Uint8Array, charge: string): Promise<void> => {
  await db
    .deleteFrom('limit_charges')
    .where('subject_key', '=', Buffer.from(subjectKey))
    .where('charge_id', '=', charge)
    .execute();
};
