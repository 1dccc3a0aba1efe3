import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { findIdempotentRequest } from '../src/accept-messages.ts';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { chargeLimits } from '../src/limit-charges.ts';
import { recordMessages } from '../src/records.ts';
import { forgetExpired } from '../src/retention.ts';
import { openTestDatabase } from './support/database.ts';
import { claim, recordOf, send } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { accept, createAccount, hashOf, letTimePass, newEmail, newId } from './support/rows.ts';

const db = await openTestDatabase();
const retentionDays = 30;
const day = 86_400;

beforeEach(async () => {
  await sql`TRUNCATE messages, delivery_events, limit_charges CASCADE`.execute(db);
});

const remaining = async (): Promise<readonly string[]> => {
  const rows = await db.selectFrom('messages').select('id').execute();
  return rows.map((row) => row.id);
};

/** One batch of every kind, as a worker's round deletes them; the kinds of which a batch was full. */
const forgetAll = async (): Promise<readonly string[]> => {
  const full: string[] = [];
  for (const [kind, forget] of Object.entries(forgetExpired))
    if (await forget(db, retentionDays)) full.push(kind);
  return full;
};

const skip = async (reason: string): Promise<string> => {
  const claimed = await claim(db, await accept(db, newEmail()));
  await recordMessages(db, [recordOf(claimed, { status: 'skipped', reason, result: null })]);
  return claimed.id;
};

describe('messages', () => {
  test('go after their time, with everything that belongs to them', async () => {
    const old = await send(db, await createAccount(db));
    const recent = await send(db, await createAccount(db));
    await letTimePass(db, old, (retentionDays + 1) * day);
    await letTimePass(db, recent, (retentionDays - 1) * day);
    await forgetAll();
    expect(await remaining()).toEqual([recent]);
    const { rows } = await sql<{ left: number }>`
      SELECT (SELECT count(*) FROM verifications WHERE message_id = ${old})::int
           + (SELECT count(*) FROM attempts WHERE message_id = ${old})::int AS left`.execute(db);
    expect(rows).toEqual([{ left: 0 }]);
  });

  test('whose link was given a longer life stay until it is over, unless a newer one was asked for', async () => {
    const extend = (id: string) =>
      db
        .updateTable('verifications')
        .set({ expires_at: new Date(Date.now() + 20 * day * 1000) })
        .where('message_id', '=', id)
        .execute();
    const extended = await send(db, await createAccount(db));
    const again = await createAccount(db);
    const [older, newer] = [await send(db, again), await send(db, again)];
    const withdrawn = await send(db, await createAccount(db));
    for (const id of [extended, older, newer, withdrawn])
      await letTimePass(db, id, (retentionDays + 1) * day);
    for (const id of [extended, older, withdrawn]) await extend(id);
    await db
      .updateTable('verifications')
      .set({ revoked_at: new Date() })
      .where('message_id', '=', withdrawn)
      .execute();
    await forgetAll();
    expect(await remaining()).toEqual([extended]);
    await letTimePass(db, extended, 21 * day);
    await forgetAll();
    expect(await remaining()).toEqual([]);
  });

  test('that are not settled stay, whatever their age', async () => {
    const [queued, held, deferred] = [
      await accept(db, newEmail()),
      await accept(db, newEmail()),
      await accept(db, newEmail()),
    ];
    await claim(db, held);
    await recordMessages(db, [recordOf(await claim(db, deferred), { status: 'deferred', result: null })]);
    for (const id of [queued, held, deferred]) await letTimePass(db, id, 1000 * day);
    await forgetAll();
    expect(await remaining()).toHaveLength(3);
  });

  test('of people who are unknown go after one day, and others skipped do not', async () => {
    const [unknown, superseded, today] = [
      await skip('unknown_account'),
      await skip('superseded'),
      await skip('unknown_account'),
    ];
    await letTimePass(db, unknown, day + 60);
    await letTimePass(db, superseded, day + 60);
    await forgetAll();
    expect((await remaining()).toSorted()).toEqual([superseded, today].toSorted());
  });
});

test('an idempotency key is forgotten after a day, and its message is not', async () => {
  const idempotency = { key: hashOf('key'), requestHash: hashOf('request') };
  const id = await accept(db, newEmail(), { idempotency });
  await letTimePass(db, id, day - 60);
  await forgetAll();
  expect(await findIdempotentRequest(db, idempotency.key)).toBeDefined();
  await letTimePass(db, id, 120);
  await forgetAll();
  expect(await findIdempotentRequest(db, idempotency.key)).toBeUndefined();
  expect(await remaining()).toEqual([id]);
});

test('charges go after the longest window that a limit may have, and reports after the messages’ time', async () => {
  const limits = [{ max: 5, windowSeconds: day }];
  const subject = { kind: 'ip', key: hashOf('ip'), limits, rememberSeconds: day } as const;
  await chargeLimits(db, subject, newId());
  await chargeLimits(db, subject, newId());
  const id = await send(db, await createAccount(db));
  const [old, recent] = [report('accepted', id), report('delivered', id)];
  await storeDeliveryEvent(db, old);
  await storeDeliveryEvent(db, recent);
  await sql`UPDATE limit_charges SET charged_at = charged_at - interval '25 hours'
             WHERE charge_id = (SELECT min(charge_id::text)::uuid FROM limit_charges)`.execute(db);
  await sql`UPDATE delivery_events SET received_at = received_at - make_interval(days => ${retentionDays + 1})
             WHERE event_id = ${old.event.eventId}`.execute(db);
  await forgetAll();
  const events = await db.selectFrom('delivery_events').select('event_id').execute();
  expect(events).toEqual([{ event_id: recent.event.eventId }]);
  expect(await db.selectFrom('limit_charges').select('charge_id').execute()).toHaveLength(1);
});

test('a report whose message never became known goes after a day, and one that was applied does not', async () => {
  const id = await send(db, await createAccount(db));
  const [foreign, fresh, applied] = [
    report('delivered', newId()),
    report('delivered', newId()),
    report('delivered', id),
  ];
  for (const incoming of [foreign, fresh, applied]) await storeDeliveryEvent(db, incoming);
  await sql`UPDATE delivery_events SET received_at = received_at - interval '25 hours'
             WHERE event_id <> ${fresh.event.eventId}`.execute(db);
  await forgetAll();
  const left = await db.selectFrom('delivery_events').select('event_id').orderBy('id').execute();
  expect(left).toEqual([fresh, applied].map(({ event }) => ({ event_id: event.eventId })));
});

test('one call deletes a small batch, and says whether there may be more', async () => {
  await sql`
    INSERT INTO limit_charges (subject_key, charge_id, charged_at)
    SELECT sha256('x'), gen_random_uuid(), now() - interval '2 days' FROM generate_series(1, 501)`.execute(
    db,
  );
  const left = async (): Promise<number> =>
    (await db.selectFrom('limit_charges').select('charge_id').execute()).length;
  expect([await forgetAll(), await left()]).toEqual([['limitCharges'], 1]);
  expect([await forgetAll(), await left()]).toEqual([[], 0]);
});
