import { sql } from 'kysely';
import { type Conversion, matureAfterSeconds } from '@reconfirm/core/sms-circuit';
import type { SmsBudget } from '@reconfirm/core/sms-policy';
import type { SmsSkipReason } from '@reconfirm/core/resolve';
import type { Database } from './database.ts';

/** What is about to be handed over, and what it costs at most. */
export interface SmsReservation {
  readonly messageId: string;
  readonly attempt: number;
  readonly organizationId: string;
  readonly country: string;
  readonly prefix: string;
  readonly costMicros: number;
  /** Whether we get to know if its code is used. */
  readonly isJudged: boolean;
}

export interface SmsBudgets {
  /** Most sends to one number block in any hour. */
  readonly prefixPerHour: number;
  readonly country: SmsBudget;
  readonly organization: SmsBudget;
  readonly global: SmsBudget;
}

export type ReservationOutcome =
  | {
      readonly kind: 'reserved';
      /** What became of the SMS of the last day, this one left out, for the decision to pause. */
      readonly prefix: Conversion;
      readonly country: Conversion;
    }
  | { readonly kind: 'refused'; readonly reason: SmsSkipReason };

const hourSeconds = 3600;
const daySeconds = 86_400;

interface Cap {
  readonly kind: 'prefix' | 'country' | 'organization' | 'global';
  readonly windowSeconds: number;
  readonly bucketSeconds: number;
  readonly sends: number | null;
  readonly micros: number | null;
}

const capsOf = (budgets: SmsBudgets): readonly Cap[] => {
  const hour = { windowSeconds: hourSeconds, bucketSeconds: 300 };
  const day = { windowSeconds: daySeconds, bucketSeconds: 3600 };
  const money = (kind: Cap['kind'], { hourMicros, dayMicros }: SmsBudget): Cap[] => [
    { kind, ...hour, sends: null, micros: hourMicros },
    { kind, ...day, sends: null, micros: dayMicros },
  ];
  return [
    { kind: 'prefix', ...hour, sends: budgets.prefixPerHour, micros: null },
    ...money('country', budgets.country),
    ...money('organization', budgets.organization),
    ...money('global', budgets.global),
  ];
};

const refusals: Readonly<Record<string, SmsSkipReason>> = {
  'paused prefix': 'sms_prefix_paused',
  'paused country': 'sms_country_paused',
  'budget prefix': 'sms_budget_prefix',
  'budget country': 'sms_budget_country',
  'budget organization': 'sms_budget_organization',
  'budget global': 'sms_budget_global',
};

/** Of many sends the newest say what is going on; reading more of them would cost more than it tells. */
const judgedSendsMax = 500;

/** The newest sends of the last day that are old enough to have been used, since the scope was last released. */
const conversion = (kind: 'prefix' | 'country') => sql`
  SELECT count(*)::int AS sends, count(recent.verified_at)::int AS verified FROM (
    SELECT s.verified_at FROM sms_sends s
     WHERE ${kind === 'prefix' ? sql`s.prefix = r.prefix` : sql`s.country = r.country`} AND s.released_at IS NULL AND s.judged
       AND s.reserved_at < now() - make_interval(secs => ${sql.lit(matureAfterSeconds)})
       AND s.reserved_at > greatest(now() - make_interval(secs => ${sql.lit(daySeconds)}), (
         SELECT p.released_at FROM sms_pauses p
          WHERE p.scope = ${kind === 'prefix' ? sql`'prefix:' || r.prefix` : sql`'country:' || r.country`}))
     ORDER BY s.reserved_at DESC LIMIT ${sql.lit(judgedSendsMax)}) recent`;

/**
 * Reserves the money of each hand-over, in the order given: all budgets of one have room and are charged,
 * or none is and the first without room is named. However many workers reserve at once, no budget is ever
 * passed. Reserving an attempt again changes nothing.
 */
export const reserveSms = async (
  db: Database,
  reservations: readonly SmsReservation[],
  budgets: SmsBudgets,
): Promise<readonly ReservationOutcome[]> => {
  const caps = capsOf(budgets);
  const { rows } = await sql<{
    outcome: string;
    prefix_sends: number;
    prefix_verified: number;
    country_sends: number;
    country_verified: number;
  }>`
    SELECT reserve_sms(r.message_id, r.attempt, r.organization_id, r.country, r.prefix, r.cost, r.judged,
             ${caps.map((c) => c.kind)}::text[], ${caps.map((c) => c.windowSeconds)}::int[],
             ${caps.map((c) => c.bucketSeconds)}::int[], ${caps.map((c) => c.sends)}::int[],
             ${caps.map((c) => c.micros)}::bigint[]) AS outcome,
           p.sends AS prefix_sends, p.verified AS prefix_verified,
           c.sends AS country_sends, c.verified AS country_verified
      FROM unnest(
        ${reservations.map((r) => r.messageId)}::uuid[], ${reservations.map((r) => r.attempt)}::int[],
        ${reservations.map((r) => r.organizationId)}::uuid[], ${reservations.map((r) => r.country)}::text[],
        ${reservations.map((r) => r.prefix)}::text[], ${reservations.map((r) => r.costMicros)}::bigint[],
        ${reservations.map((r) => r.isJudged)}::boolean[]
      ) WITH ORDINALITY AS r (message_id, attempt, organization_id, country, prefix, cost, judged, position)
     CROSS JOIN LATERAL (${conversion('prefix')}) p
     CROSS JOIN LATERAL (${conversion('country')}) c
     ORDER BY r.position`.execute(db);
  return rows.map((row): ReservationOutcome => {
    if (row.outcome === 'reserved')
      return {
        kind: 'reserved',
        prefix: { sent: row.prefix_sends, verified: row.prefix_verified },
        country: { sent: row.country_sends, verified: row.country_verified },
      };
    const reason = refusals[row.outcome];
    if (reason === undefined) throw new Error(`reserve_sms answered ${row.outcome}`);
    return { kind: 'refused', reason };
  });
};

/** Gives the money of a hand-over back that the provider certainly did not take. Repeating changes nothing. */
export const releaseSms = async (db: Database, messageId: string, attempt: number): Promise<void> => {
  await sql`SELECT release_sms(${messageId}::uuid, ${attempt}::int)`.execute(db);
};

/** Marks the sends of a message as worth their money: its code was used. */
export const markSmsVerified = async (db: Database, messageId: string): Promise<void> => {
  await sql`
    UPDATE sms_sends SET verified_at = now() WHERE message_id = ${messageId} AND verified_at IS NULL`.execute(
    db,
  );
};

/** A number block or a country, as the tables name it. */
export type PauseScope = `prefix:${string}` | `country:${string}`;

/** Stops all SMS to a block or a country until it is released; false when it was stopped already. */
export const pauseSms = async (db: Database, scope: PauseScope, why: Conversion): Promise<boolean> => {
  const { rows } = await sql`
    INSERT INTO sms_pauses AS p (scope, sends, verified) VALUES (${scope}, ${why.sent}, ${why.verified})
    ON CONFLICT (scope) DO UPDATE
       SET paused_at = now(), sends = excluded.sends, verified = excluded.verified, released_at = NULL
     WHERE p.released_at IS NOT NULL
    RETURNING 1`.execute(db);
  return rows.length > 0;
};

/** Lets SMS to a block or a country go again, and judges it from now on; false when it was not paused. */
export const releasePause = async (db: Database, scope: string): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('sms_pauses')
    .set({ released_at: sql`now()` })
    .where('scope', '=', scope)
    .where('released_at', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
};

export interface SmsPause {
  readonly scope: string;
  readonly pausedAt: Date;
  readonly sends: number;
  readonly verified: number;
}

/** What is paused now, newest first. */
export const listPauses = async (db: Database): Promise<readonly SmsPause[]> =>
  db
    .selectFrom('sms_pauses')
    .select(['scope', 'paused_at as pausedAt', 'sends', 'verified'])
    .where('released_at', 'is', null)
    .orderBy('paused_at', 'desc')
    .limit(pausesMax)
    .execute();

const pausesMax = 200;

export interface CountryConversion extends Conversion {
  readonly country: string;
  readonly costMicros: number;
}

/** What the SMS of the last day came to, by country, those of the last minutes included. */
export const smsOfLastDay = async (db: Database): Promise<readonly CountryConversion[]> => {
  const { rows } = await sql<{ country: string; sent: number; verified: number; cost_micros: string }>`
    SELECT country, count(*)::int AS sent, count(verified_at)::int AS verified, sum(cost_micros) AS cost_micros
      FROM sms_sends WHERE released_at IS NULL AND reserved_at > now() - make_interval(secs => ${daySeconds})
     GROUP BY country ORDER BY country`.execute(db);
  return rows.map(({ country, sent, verified, cost_micros }) => ({
    country,
    sent,
    verified,
    costMicros: Number(cost_micros),
  }));
};
