import { beforeEach, describe, expect, test } from 'vitest';
import { oldestDueSeconds, reclaimExpiredLeases, takeDueMessages } from '../src/due-messages.ts';
import { recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { claim, leaseSeconds, recordOf, send } from './support/delivery.ts';
import { accept, createAccount, letTimePass, messageRow, newEmail } from './support/rows.ts';

const db = await openTestDatabase();
const take = (changes: Partial<Parameters<typeof takeDueMessages>[1]> = {}) =>
  takeDueMessages(db, { limit: 100, graceMs: 1000, spacingMs: 5000, ...changes });

beforeEach(async () => {
  await db.deleteFrom('messages').execute();
});

describe('the sweep takes', () => {
  test('messages that have been due for longer than the grace, and says for how long', async () => {
    const fresh = await accept(db, newEmail());
    const due = await accept(db, newEmail());
    await letTimePass(db, due, 30);
    const taken = await take();
    expect(taken.map(({ id, attempt }) => ({ id, attempt }))).toEqual([{ id: due, attempt: 0 }]);
    expect(taken[0]?.overdueSeconds).toBeGreaterThanOrEqual(30);
    expect((await messageRow(db, fresh)).rung_at).toBeNull();
  });

  test('none twice within the spacing, also when two sweeps look at once', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => accept(db, newEmail())));
    for (const id of ids) await letTimePass(db, id, 10);
    const taken = await Promise.all([take(), take()]);
    expect(
      taken
        .flat()
        .map((m) => m.id)
        .toSorted(),
    ).toEqual(ids.toSorted());
    expect(await take()).toEqual([]);
    for (const id of ids) await letTimePass(db, id, 6);
    expect(await take()).toHaveLength(20);
  });

  test('the oldest first when there are more than it may take', async () => {
    const [young, old] = [await accept(db, newEmail()), await accept(db, newEmail())];
    await letTimePass(db, young, 10);
    await letTimePass(db, old, 20);
    expect((await take({ limit: 1 })).map((m) => m.id)).toEqual([old]);
  });

  test('the most urgent first, and the oldest of these, although others have waited longer', async () => {
    const due = async (purpose: string, seconds: number): Promise<string> => {
      const id = await accept(db, newEmail(), { purpose });
      await letTimePass(db, id, seconds);
      return id;
    };
    for (let age = 100; age < 130; age += 1) await due('invitation', age);
    const signup = await due('signup', 50);
    const [magiclink, recovery] = [await due('magiclink', 20), await due('recovery', 30)];
    const relayed = await accept(db, newEmail(), { purpose: 'relayed', priority: 2 });
    await letTimePass(db, relayed, 1000);
    const taken = await take({ limit: 4 });
    expect(taken.map(({ id }) => id)).toEqual([recovery, magiclink, signup, relayed]);
    expect(taken.map(({ priority }) => priority)).toEqual([0, 0, 1, 2]);
    expect(await take({ limit: 100 }), 'the rest is left to the next round').toHaveLength(30);
  });

  test('nothing that is settled, in hand, or due later', async () => {
    const settled = await send(db, await createAccount(db));
    await letTimePass(db, settled, 3600);
    const held = await accept(db, newEmail());
    await letTimePass(db, held, 10);
    await claim(db, held);
    const deferred = await accept(db, newEmail());
    await recordMessages(db, [
      recordOf(await claim(db, deferred), { status: 'deferred', result: null, retryAfterSeconds: 60 }),
    ]);
    expect(await take()).toEqual([]);
    await letTimePass(db, deferred, 62);
    expect((await take()).map((m) => m.id)).toEqual([deferred]);
  });
});

describe('a lease that ran out', () => {
  test('is given back with a new fence, at once due, and counted as lost', async () => {
    const id = await accept(db, newEmail());
    await claim(db, id);
    expect(await reclaimExpiredLeases(db, 100)).toBe(0);
    await letTimePass(db, id, leaseSeconds + 1);
    expect(await reclaimExpiredLeases(db, 100)).toBe(1);
    expect(await messageRow(db, id)).toMatchObject({
      status: 'deferred',
      attempt: 2,
      lost_leases: 1,
      lease_until: null,
      rung_at: null,
    });
    expect((await take({ graceMs: 0 })).map((m) => m.id)).toEqual([id]);
    // The loss was counted when it was given back, so the next claim does not count it again.
    expect(await claim(db, id)).toMatchObject({ attempt: 3, lostLeases: 1 });
  });

  test('is given back by one of several sweeps', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => accept(db, newEmail())));
    for (const id of ids) {
      await claim(db, id);
      await letTimePass(db, id, leaseSeconds + 1);
    }
    const counts = await Promise.all([1, 2, 3].map(() => reclaimExpiredLeases(db, 100)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect((await messageRow(db, ids[0] ?? '')).lost_leases).toBe(1);
  });
});

test('the oldest wait is that of the message that has been due longest; nothing due waits not at all', async () => {
  expect(await oldestDueSeconds(db)).toBe(0);
  const [old, later] = [await accept(db, newEmail()), await accept(db, newEmail())];
  await letTimePass(db, old, 300);
  await letTimePass(db, later, -300);
  expect(await oldestDueSeconds(db)).toBeGreaterThanOrEqual(300);
  await claim(db, old);
  await recordMessages(db, [recordOf({ id: old, attempt: 1 }, { status: 'skipped', result: null })]);
  expect(await oldestDueSeconds(db)).toBe(0);
});
