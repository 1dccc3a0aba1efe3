import type { LimitDecision } from '@reconfirm/core/limits';
import { readCharges } from '@reconfirm/db/limit-charges';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Charge, chargeEach } from '../src/limiter/charge-all.ts';
import { writeCharged } from '../src/limiter/write-charged.ts';
import {
  type LimiterRows,
  newId,
  openRedis,
  openRows,
  type RedisUnderTest,
  subjectOf,
} from './support/limiter-stores.ts';

describeWithRedis('writing what was charged', (url) => {
  let rows: LimiterRows;
  let store: RedisUnderTest;
  beforeAll(async () => {
    rows = await openRows();
    store = openRedis(url, rows);
  });
  afterAll(async () => {
    store[Symbol.dispose]();
    await rows[Symbol.asyncDispose]();
  });
  beforeEach(() => store.empty());

  const charge = async (charges: readonly Charge[]): Promise<readonly LimitDecision[]> => {
    const charged = await chargeEach(store.limiter, charges);
    expect(charged.kind).toBe('charged');
    return charged.limits;
  };
  const forAddress = (max: number) => {
    const subject = subjectOf('address', [max, 60]);
    const chargeId = newId();
    return { subject, charges: [{ subject, chargeId }], chargeId };
  };
  /** Writes it in a transaction as an account's message is written. */
  const write =
    ({ subject, chargeId }: Charge) =>
    async (memory: number | null): Promise<'accepted' | 'charge_forgotten'> =>
      (await rows.accept(subject, chargeId, memory ?? undefined)) === 'accepted'
        ? 'accepted'
        : 'charge_forgotten';
  const roomOf = async (subject: Charge['subject']): Promise<number | undefined> =>
    (await store.limiter.peek(subject)).states[0]?.remaining;

  test('does so once, under the memory of the charge', async () => {
    const { subject, charges, chargeId } = forAddress(2);
    const limits = await charge(charges);
    const request = { limiter: store.limiter, charges, limits };
    expect(await writeCharged(request, write({ subject, chargeId }))).toEqual({
      kind: 'written',
      written: 'accepted',
      limits,
    });
    expect(await roomOf(subject)).toBe(1);
  });

  describe('that Redis forgot meanwhile', () => {
    test('charges it again and writes it, counted once', async () => {
      const { subject, charges, chargeId } = forAddress(2);
      const limits = await charge(charges);
      await store.empty();
      await store.limiter.peek(subject);
      const outcome = await writeCharged(
        { limiter: store.limiter, charges, limits },
        write({ subject, chargeId }),
      );
      expect(outcome).toMatchObject({ kind: 'written', limits: [{ states: [{ remaining: 1 }] }] });
      expect(await roomOf(subject)).toBe(1);
    });

    test('refuses it when another has taken its place, and charges it nothing', async () => {
      const { subject, charges, chargeId } = forAddress(1);
      const client = subjectOf('ip', [2, 60]);
      const both = [{ subject: client, chargeId }, ...charges];
      const limits = await charge(both);
      await store.empty();
      const other = newId();
      const [decision] = await charge([{ subject, chargeId: other }]);
      expect(await rows.accept(subject, other, decision?.memory)).toBe('accepted');
      const outcome = await writeCharged(
        { limiter: store.limiter, charges: both, limits },
        write({ subject, chargeId }),
      );
      expect(outcome).toMatchObject({ kind: 'limited', by: { kind: 'address', allowed: false } });
      expect(await roomOf(client)).toBe(2);
      expect((await readCharges(rows.db, subject)).map((counted) => counted.charge)).toEqual([other]);
    });

    test('gives up when it forgets again and again, with a fault that says when to come back', async () => {
      const { subject, charges } = forAddress(5);
      const limits = await charge(charges);
      let times = 0;
      const writing = writeCharged({ limiter: store.limiter, charges, limits }, async () => {
        times += 1;
        return 'charge_forgotten';
      });
      await expect(writing).rejects.toMatchObject({ code: 'database_unavailable', retryAfterSeconds: 1 });
      expect(times).toBe(3);
      expect(await roomOf(subject)).toBe(5);
    });
  });
});
