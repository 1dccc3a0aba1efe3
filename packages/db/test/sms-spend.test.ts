import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { acceptMessages } from '../src/accept-messages.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import {
  listPauses,
  markSmsVerified,
  pauseSms,
  releasePause,
  releaseSms,
  reserveSms,
  type SmsBudgets,
  type SmsReservation,
  smsOfLastDay,
} from '../src/sms-spend.ts';
import { openTestDatabase } from './support/database.ts';
import { hashOf, newId, requestFor } from './support/rows.ts';

const db = await openTestDatabase();

const plenty = { hourMicros: 1e15, dayMicros: 1e15 };
const budgetsOf = (changes: Partial<SmsBudgets> = {}): SmsBudgets => ({
  prefixPerHour: 1_000_000,
  country: plenty,
  organization: plenty,
  global: plenty,
  ...changes,
});

let blocks = 0;
/** A number block that no other test spends on. */
const newPrefix = (): string => {
  blocks += 1;
  return `+45${20_000 + blocks}`;
};

const acceptSms = async (count: number, numbers = count): Promise<readonly string[]> => {
  const requests = Array.from({ length: count }, (_, index) => {
    const number = `number ${index % numbers}`;
    return requestFor(number, { channel: 'sms', purpose: 'sms', addressKey: hashOf(number) });
  });
  for (let from = 0; from < count; from += 1000) await acceptMessages(db, requests.slice(from, from + 1000));
  return requests.map(({ id }) => id);
};

const reservationOf = (messageId: string, changes: Partial<SmsReservation> = {}): SmsReservation => ({
  messageId,
  attempt: 1,
  organizationId: defaultOrganizationId,
  country: 'DK',
  prefix: '+4520000',
  costMicros: 50_000,
  isJudged: true,
  ...changes,
});

const reserveOne = async (reservation: SmsReservation, budgets: SmsBudgets): Promise<string> => {
  const [outcome] = await reserveSms(db, [reservation], budgets);
  return outcome?.kind === 'refused' ? outcome.reason : (outcome?.kind ?? 'nothing');
};

const emptyBudgets = async (): Promise<void> => {
  await db.deleteFrom('sms_spend').execute();
  await db.deleteFrom('sms_sends').execute();
};

/** Moves everything that was spent into the past: the tests' way to let time pass. */
const letTimePass = async (seconds: number): Promise<void> => {
  await sql`UPDATE sms_sends SET reserved_at = reserved_at - make_interval(secs => ${seconds})`.execute(db);
  // Buckets of one size move by whole ones, so that none falls upon another; by way of a time where none is,
  // because a row that is moved must not meet one that is about to be.
  await sql`UPDATE sms_spend SET bucket_at = bucket_at - interval '100 years'`.execute(db);
  await sql`
    UPDATE sms_spend
       SET bucket_at = bucket_at + interval '100 years'
         - make_interval(secs => ceil(${seconds}::float8 / bucket_seconds) * bucket_seconds)`.execute(db);
};

const spentIn = async (scope: string): Promise<readonly { sends: number; micros: number }[]> => {
  const { rows } = await sql<{ sends: number; micros: string }>`
    SELECT sum(sends)::int AS sends, sum(cost_micros) AS micros FROM sms_spend
     WHERE scope = ${scope} GROUP BY bucket_seconds`.execute(db);
  return rows.map((row) => ({ sends: row.sends, micros: Number(row.micros) }));
};

describe('budgets', () => {
  test('10,000 parallel reservations over 1,000 numbers of one block give exactly as many as the block may have', async () => {
    const prefix = newPrefix();
    const ids = await acceptSms(10_000, 1000);
    const budgets = budgetsOf({ prefixPerHour: 20 });
    const calls = Array.from({ length: 1000 }, (_, call) =>
      reserveSms(
        db,
        ids.slice(call * 10, call * 10 + 10).map((id) => reservationOf(id, { prefix })),
        budgets,
      ),
    );
    const outcomes = (await Promise.all(calls)).flat();
    expect(outcomes).toHaveLength(10_000);
    expect(outcomes.filter(({ kind }) => kind === 'reserved')).toHaveLength(20);
    const reasons = new Set(outcomes.flatMap((o) => (o.kind === 'refused' ? [o.reason] : [])));
    expect([...reasons]).toEqual(['sms_budget_prefix']);
    expect(await spentIn(`prefix:${prefix}`)).toEqual([
      { sends: 20, micros: 1_000_000 },
      { sends: 20, micros: 1_000_000 },
    ]);
  });

  test.each(['country', 'organization', 'global'] as const)(
    'parallel reservations spend the money of the %s to the last send that fits, and none of them more',
    async (kind) => {
      await emptyBudgets();
      const ids = await acceptSms(400);
      const budgets = budgetsOf({ [kind]: { hourMicros: 1_020_000, dayMicros: 1e12 } });
      const outcomes = await Promise.all(
        ids.map((id, index) => reserveOne(reservationOf(id, { prefix: `+45${30_000 + index}` }), budgets)),
      );
      expect(outcomes.filter((outcome) => outcome === 'reserved')).toHaveLength(20);
      expect(outcomes.filter((outcome) => outcome === `sms_budget_${kind}`)).toHaveLength(380);
    },
  );

  test('a refusal by one budget charges none of the others', async () => {
    await emptyBudgets();
    const [first = '', second = ''] = await acceptSms(2);
    const prefix = newPrefix();
    const budgets = budgetsOf({ global: { hourMicros: 50_000, dayMicros: 50_000 } });
    expect(await reserveOne(reservationOf(first, { prefix }), budgets)).toBe('reserved');
    expect(await reserveOne(reservationOf(second, { prefix }), budgets)).toBe('sms_budget_global');
    expect((await spentIn(`prefix:${prefix}`))[0]?.sends).toBe(1);
    expect((await spentIn('country:DK'))[0]?.sends).toBe(1);
  });

  test('what was released may be spent again, and releasing twice gives it back once', async () => {
    await emptyBudgets();
    const [first = '', second = '', third = ''] = await acceptSms(3);
    const budgets = budgetsOf({ prefixPerHour: 1 });
    const prefix = newPrefix();
    expect(await reserveOne(reservationOf(first, { prefix }), budgets)).toBe('reserved');
    await Promise.all([releaseSms(db, first, 1), releaseSms(db, first, 1)]);
    expect(await spentIn(`prefix:${prefix}`)).toEqual([
      { sends: 0, micros: 0 },
      { sends: 0, micros: 0 },
    ]);
    expect(await reserveOne(reservationOf(second, { prefix }), budgets)).toBe('reserved');
    expect(await reserveOne(reservationOf(third, { prefix }), budgets)).toBe('sms_budget_prefix');
  });

  test('reserving one attempt twice pays once, and the next attempt pays again', async () => {
    await emptyBudgets();
    const [id = ''] = await acceptSms(1);
    const budgets = budgetsOf({ prefixPerHour: 2 });
    const prefix = newPrefix();
    for (const attempt of [1, 1, 2, 2])
      expect(await reserveOne(reservationOf(id, { prefix, attempt }), budgets)).toBe('reserved');
    expect(await reserveOne(reservationOf(id, { prefix, attempt: 3 }), budgets)).toBe('sms_budget_prefix');
  });

  test("an hour's money is there again after the hour and its last bucket, not before; a day's is not", async () => {
    await emptyBudgets();
    const [first = '', second = '', third = '', fourth = ''] = await acceptSms(4);
    const budgets = budgetsOf({ country: { hourMicros: 50_000, dayMicros: 100_000 } });
    const prefix = newPrefix();
    expect(await reserveOne(reservationOf(first, { prefix }), budgets)).toBe('reserved');
    await letTimePass(3600 - 300);
    expect(await reserveOne(reservationOf(second, { prefix }), budgets)).toBe('sms_budget_country');
    await letTimePass(600);
    expect(await reserveOne(reservationOf(third, { prefix }), budgets)).toBe('reserved');
    await letTimePass(4200);
    expect(await reserveOne(reservationOf(fourth, { prefix }), budgets)).toBe('sms_budget_country');
  });
});

describe('pauses', () => {
  test('a paused block or country gets nothing until it is released, and others are not touched', async () => {
    await emptyBudgets();
    const ids = await acceptSms(6);
    const prefix = newPrefix();
    expect(await pauseSms(db, `prefix:${prefix}`, { sent: 30, verified: 1 })).toBe(true);
    expect(await pauseSms(db, `prefix:${prefix}`, { sent: 31, verified: 1 })).toBe(false);
    await pauseSms(db, 'country:SE', { sent: 40, verified: 0 });
    const reserve = (index: number, changes: Partial<SmsReservation>) =>
      reserveOne(reservationOf(ids[index] ?? '', changes), budgetsOf());
    expect(await reserve(0, { prefix })).toBe('sms_prefix_paused');
    expect(await reserve(1, { prefix: newPrefix(), country: 'SE' })).toBe('sms_country_paused');
    expect(await reserve(2, { prefix: newPrefix() })).toBe('reserved');
    expect(await listPauses(db)).toMatchObject([
      { scope: 'country:SE', sends: 40, verified: 0 },
      { scope: `prefix:${prefix}`, sends: 30, verified: 1 },
    ]);
    expect(await releasePause(db, `prefix:${prefix}`)).toBe(true);
    expect(await releasePause(db, `prefix:${prefix}`)).toBe(false);
    expect(await releasePause(db, 'country:SE')).toBe(true);
    expect(await reserve(3, { prefix })).toBe('reserved');
    expect(await listPauses(db)).toEqual([]);
    expect(await pauseSms(db, `prefix:${prefix}`, { sent: 50, verified: 0 })).toBe(true);
    await releasePause(db, `prefix:${prefix}`);
  });

  test('what is judged: sends of the last day older than five minutes, not released, since the last release', async () => {
    await emptyBudgets();
    const ids = await acceptSms(6);
    const prefix = newPrefix();
    const own = ids.map((id) => reservationOf(id, { prefix }));
    await reserveSms(db, own.slice(0, 1), budgetsOf());
    await letTimePass(90_000);
    await reserveSms(db, own.slice(1, 4), budgetsOf());
    await markSmsVerified(db, ids[1] ?? '');
    await releaseSms(db, ids[2] ?? '', 1);
    await letTimePass(301);
    await reserveSms(db, own.slice(4, 5), budgetsOf());
    const [judged] = await reserveSms(db, own.slice(5, 6), budgetsOf());
    // Of six: one is a day old, one was released, two are too young.
    expect(judged).toEqual({
      kind: 'reserved',
      prefix: { sent: 2, verified: 1 },
      country: { sent: 2, verified: 1 },
    });
    await pauseSms(db, `prefix:${prefix}`, { sent: 2, verified: 1 });
    await releasePause(db, `prefix:${prefix}`);
    const [anew] = await reserveSms(db, own.slice(5, 6), budgetsOf());
    expect(anew).toMatchObject({ prefix: { sent: 0, verified: 0 }, country: { sent: 2, verified: 1 } });
  });

  test('codes of other systems, of which nobody tells us whether they were used, are paid for and not judged', async () => {
    await emptyBudgets();
    const ids = await acceptSms(4);
    const prefix = newPrefix();
    const of = (index: number, isJudged: boolean) => reservationOf(ids[index] ?? '', { prefix, isJudged });
    await reserveSms(db, [of(0, false), of(1, false), of(2, true)], budgetsOf());
    await letTimePass(301);
    const [judged] = await reserveSms(db, [of(3, true)], budgetsOf());
    expect(judged).toMatchObject({ prefix: { sent: 1, verified: 0 }, country: { sent: 1, verified: 0 } });
    expect(await smsOfLastDay(db)).toMatchObject([{ sent: 4, costMicros: 200_000 }]);
  });

  test('the sums of the last day by country count what was not given back', async () => {
    await emptyBudgets();
    const ids = await acceptSms(3);
    await reserveSms(
      db,
      ids.map((id, index) => reservationOf(id, { country: index === 0 ? 'SE' : 'DK' })),
      budgetsOf(),
    );
    await markSmsVerified(db, ids[1] ?? '');
    await releaseSms(db, ids[0] ?? '', 1);
    expect(await smsOfLastDay(db)).toEqual([{ country: 'DK', sent: 2, verified: 1, costMicros: 100_000 }]);
  });

  test('the table of pauses takes blocks and countries only', async () => {
    await expect(pauseSms(db, `prefix:+45 ${newId()}`, { sent: 1, verified: 0 })).rejects.toThrow();
  });
});
