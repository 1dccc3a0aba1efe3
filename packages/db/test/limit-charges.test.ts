import { createHash } from 'node:crypto';
import type { LimitSubject } from '@reconfirm/core/limits';
import { uuidV8 } from '@reconfirm/core/message-id';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { type Acceptance, acceptMessages } from '../src/accept-messages.ts';
import {
  beginLimitMemory,
  beginLimitRows,
  chargeLimits,
  readCharges,
  readChargesOfMany,
  refundCharge,
} from '../src/limit-charges.ts';
import { openTestDatabase } from './support/database.ts';
import { accept, hashOf, letTimePass, newEmail, newId, requestFor } from './support/rows.ts';

const db = await openTestDatabase(20);

const subjectOf = (kind: LimitSubject['kind'], name: string, max = 1, windowSeconds = 60): LimitSubject => ({
  kind,
  key: hashOf(name),
  limits: [{ max, windowSeconds }],
  rememberSeconds: windowSeconds,
});

describe('the charges of a subject', () => {
  test('are its accepted messages, counted once with the charge that has their id', async () => {
    const email = newEmail();
    const subject = subjectOf('address', `limit ${email}`, 5);
    const id = newId();
    expect((await chargeLimits(db, subject, id)).charged).toBe(true);
    await accept(db, email, { id });
    expect((await readCharges(db, subject)).map((c) => c.charge)).toEqual([id]);
    const other = await accept(db, email);
    expect((await readCharges(db, subject)).map((c) => c.charge).toSorted()).toEqual([id, other].toSorted());
  });

  test('count an idempotent request by its key and content, so that the charge and the row are one', async () => {
    const email = newEmail();
    const subject = subjectOf('address', `limit ${email}`, 5);
    const key = hashOf(`key of ${email}`);
    const requestHash = hashOf('request');
    await chargeLimits(db, subject, uuidV8(createHash('sha256').update(key).update(requestHash).digest()));
    await accept(db, email, { idempotency: { key, requestHash } });
    expect(await readCharges(db, subject)).toHaveLength(1);
  });

  test('that are known pass only beside as many others as are allowed: one may have become a row meanwhile', async () => {
    const email = newEmail();
    const subject = subjectOf('address', `limit ${email}`, 2);
    const id = newId();
    expect((await chargeLimits(db, subject, id)).charged).toBe(true);
    await accept(db, email);
    expect((await chargeLimits(db, subject, id)).charged).toBe(true);
    await accept(db, email);
    expect((await chargeLimits(db, subject, id)).charged).toBe(false);
    expect(await readCharges(db, subject)).toHaveLength(3);
  });

  test('of a client address are the messages it asked for, of whatever address', async () => {
    const ipKey = hashOf(newEmail());
    for (let i = 0; i < 3; i += 1) await accept(db, newEmail(), { ipKey });
    const subject: LimitSubject = {
      kind: 'ip',
      key: ipKey,
      limits: [{ max: 3, windowSeconds: 60 }],
      rememberSeconds: 60,
    };
    expect((await chargeLimits(db, subject, newId())).charged).toBe(false);
    // The same bytes as an address are another subject.
    expect(await readCharges(db, { ...subject, kind: 'address' })).toEqual([]);
  });

  test('come for many subjects in the order asked for, each with its own kind and window', async () => {
    const email = newEmail();
    const ipKey = hashOf(newEmail());
    const id = await accept(db, email, { ipKey });
    await letTimePass(db, id, 90);
    const asked = [
      subjectOf('address', 'nobody'),
      subjectOf('address', `limit ${email}`),
      subjectOf('address', `limit ${email}`, 1, 120),
      { ...subjectOf('ip', 'any', 1, 120), key: ipKey },
      { ...subjectOf('address', 'any', 1, 120), key: ipKey },
    ];
    const counted = await readChargesOfMany(db, asked);
    expect(counted.map((charges) => charges.map((c) => c.charge))).toEqual([[], [], [id], [id], []]);
    expect(counted[2]?.[0]?.ageMs).toBeGreaterThanOrEqual(90_000);
    expect(await readChargesOfMany(db, [])).toEqual([]);
  });

  test('leave when they leave the longest window', async () => {
    const email = newEmail();
    const subject = subjectOf('address', `limit ${email}`);
    const id = await accept(db, email);
    await letTimePass(db, id, 59);
    expect((await chargeLimits(db, subject, newId())).charged).toBe(false);
    await letTimePass(db, id, 1);
    expect((await chargeLimits(db, subject, newId())).charged).toBe(true);
  });

  test('say how old they are', async () => {
    const email = newEmail();
    const id = await accept(db, email);
    await letTimePass(db, id, 10);
    const [charge] = await readCharges(db, subjectOf('address', `limit ${email}`));
    expect(charge?.ageMs).toBeGreaterThanOrEqual(10_000);
    expect(charge?.ageMs).toBeLessThan(15_000);
  });
});

test('taking back what was never charged changes nothing, and a charge that was taken back is gone', async () => {
  const subject = subjectOf('ip', newEmail());
  const id = newId();
  await refundCharge(db, subject.key, id);
  expect((await chargeLimits(db, subject, id)).charged).toBe(true);
  await refundCharge(db, subject.key, newId());
  expect((await chargeLimits(db, subject, newId())).charged).toBe(false);
  await refundCharge(db, subject.key, id);
  expect((await chargeLimits(db, subject, newId())).charged).toBe(true);
});

test('20 connections that charge many subjects at once wait for none but their own', async () => {
  const subjects = Array.from({ length: 10 }, () => subjectOf('ip', newEmail()));
  const results = await Promise.all(
    subjects.flatMap((subject) => Array.from({ length: 5 }, () => chargeLimits(db, subject, newId()))),
  );
  expect(results.filter((r) => r.charged)).toHaveLength(10);
});

describe('a memory that has begun', () => {
  const write = (limitMemory: number | null) =>
    acceptMessages(db, [requestFor(newEmail(), { limitMemory })]).then(([answer]) => answer);

  test('ends the one before: of that no row is written, while what was charged in the rows is', async () => {
    await beginLimitMemory(db, 1000, 3);
    expect(await write(1000)).toBe('accepted');
    await beginLimitMemory(db, 2000, 3);
    await beginLimitMemory(db, 2000, 3);
    expect([await write(1000), await write(2000), await write(null)]).toEqual([
      'not_written',
      'accepted',
      'accepted',
    ]);
  });

  test('is told of each request of a batch by itself', async () => {
    await beginLimitMemory(db, 3000, 3);
    const batch = [3000, 2000, null].map((limitMemory) => requestFor(newEmail(), { limitMemory }));
    expect(await acceptMessages(db, batch)).toEqual(['accepted', 'not_written', 'accepted']);
  });

  test('waits for the rows that are being written under the one before', async () => {
    await beginLimitMemory(db, 4000, 3);
    let begun: Promise<void> | undefined;
    let isBegun = false;
    const begin = async (): Promise<void> => {
      await beginLimitMemory(db, 5000, 3);
      isBegun = true;
    };
    await db.transaction().execute(async (tx) => {
      await acceptMessages(tx, [requestFor(newEmail(), { limitMemory: 4000 })]);
      begun = begin();
      await expect.poll(waitingForMemory).toBe(1);
      expect(isBegun).toBe(false);
    });
    await begun;
    expect(await write(4000)).toBe('not_written');
  });

  test('lets nothing of the one before be written that waited for it', async () => {
    await beginLimitMemory(db, 6000, 3);
    let late: Promise<Acceptance | undefined> | undefined;
    await db.transaction().execute(async (tx) => {
      await beginLimitMemory(tx, 7000, 3);
      late = write(6000);
      await expect.poll(waitingForMemory).toBe(1);
    });
    expect(await late).toBe('not_written');
  });

  test('is told that another process charges in the rows, for as long as it asks about, and one that such a process ended is told so', async () => {
    expect(await beginLimitMemory(db, 8000, 3)).toBe('alone');
    await beginLimitRows(db, 1);
    expect(await write(8000)).toBe('not_written');
    expect(await beginLimitMemory(db, 8000, 3)).toBe('ended');
    expect(await write(8000)).toBe('not_written');
    expect(await beginLimitMemory(db, 9000, 3)).toBe('beside_rows');
    expect(await beginLimitMemory(db, 9000, 3)).toBe('beside_rows');
    expect(await write(9000)).toBe('accepted');
    await sql`UPDATE limit_memory SET without_at = without_at - interval '3 seconds'`.execute(db);
    expect(await beginLimitMemory(db, 9000, 3)).toBe('alone');
  });

  const waitingForMemory = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM pg_locks
       WHERE locktype = 'advisory' AND NOT granted AND classid = 18
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(db);
    return rows[0]?.count ?? 0;
  };
});
