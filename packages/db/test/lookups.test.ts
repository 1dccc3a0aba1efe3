import { lookupAgesSeconds } from '@reconfirm/core/lookup';
import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { type ClaimedLookup, claimLookup, finishLookup, giveBackLookup } from '../src/lookups.ts';
import { recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { recordOf, send, startSending } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { createAccount, messageRow } from './support/rows.ts';

const db = await openTestDatabase(20);
const afterSeconds = 900;
const take = (provider = 'smtp'): Promise<ClaimedLookup | null> =>
  claimLookup(db, { provider, afterSeconds });

beforeEach(async () => {
  await sql`UPDATE messages SET ask_at = 'infinity' WHERE status = 'sent'`.execute(db);
});

/** A message that was sent so long ago; the ages of tests are whole, so a test has a minute to look. */
const sentBefore = async (seconds: number): Promise<string> => {
  const id = await send(db, await createAccount(db));
  await letPass(id, seconds);
  return id;
};

/** Moves what decides about asking into the past. */
const letPass = (id: string, seconds: number) =>
  sql`UPDATE messages SET sent_at = sent_at - make_interval(secs => ${seconds}),
             ask_at = ask_at - make_interval(secs => ${seconds}) WHERE id = ${id}`.execute(db);

const lookupsOf = (id: string) =>
  db.selectFrom('lookups').selectAll().where('message_id', '=', id).orderBy('asked_at').execute();

describe('a message that is sent and of which nothing was reported', () => {
  test('is asked about at each age once, and then never again', async () => {
    const id = await sentBefore(afterSeconds - 60);
    expect(await take(), 'too young').toBeNull();
    const ages = [afterSeconds, ...lookupAgesSeconds];
    let age = afterSeconds - 60;
    for (const next of ages) {
      await letPass(id, next - age);
      age = next;
      expect((await take())?.messageId, `at ${age} s`).toBe(id);
      expect(await take(), `twice at ${age} s`).toBeNull();
    }
    await letPass(id, 30 * 86_400);
    expect(await take()).toBeNull();
    expect(await lookupsOf(id)).toHaveLength(ages.length);
  });

  test('is asked about no more at an age that has passed while nobody could ask', async () => {
    const id = await sentBefore(30_000);
    expect((await take())?.messageId).toBe(id);
    expect((await take())?.messageId, 'six hours are over, a day is not').toBeUndefined();
    await letPass(id, 60_000);
    expect((await take())?.messageId).toBe(id);
    await letPass(id, 86_400);
    expect(await take()).toBeNull();
  });

  test('is not asked about for the first time when it is older than two days', async () => {
    await sentBefore(2 * 86_400 + 60);
    expect(await take()).toBeNull();
  });

  test.each(['delivered', 'bounced', 'complained', 'rejected'] as const)(
    'is asked about no more once it was reported as %s',
    async (type) => {
      const id = await sentBefore(afterSeconds);
      await storeDeliveryEvent(db, report(type, id));
      expect(await take()).toBeNull();
    },
  );

  test('is of its own provider only, and goes with what the provider called it last', async () => {
    const id = await sentBefore(afterSeconds);
    await storeDeliveryEvent(db, {
      ...report('deferred', id, { providerMessageId: 'theirs' }),
      provider: 'smtp',
    });
    await storeDeliveryEvent(db, report('accepted', id, { providerMessageId: 'of-another' }));
    expect(await take('mailgun')).toBeNull();
    expect(await take()).toMatchObject({ messageId: id, providerMessageId: 'theirs' });
  });
});

describe('a hand-over that got no answer', () => {
  const doubtful = async (nextSeconds: number, result: 'ambiguous' | 'transient' = 'ambiguous') => {
    const claimed = await startSending(db, await createAccount(db));
    const change = {
      status: 'deferred',
      reason: 'timeout',
      code: 'timeout',
      retryAfterSeconds: nextSeconds,
    } as const;
    await recordMessages(db, [recordOf(claimed, { ...change, result })]);
    return claimed.id;
  };

  test('is asked about once, shortly before its next attempt, and before all others', async () => {
    await doubtful(60);
    expect(await take(), 'too early').toBeNull();
    await doubtful(3);
    expect(await take(), 'no time left').toBeNull();
    await sentBefore(afterSeconds);
    const id = await doubtful(15);
    expect((await take())?.messageId).toBe(id);
    expect((await take())?.messageId).not.toBe(id);
    expect(await take()).toBeNull();
    await storeDeliveryEvent(db, report('accepted', id));
    expect(await messageRow(db, id)).toMatchObject({ status: 'sent', settled_at: expect.any(Date) });
    // Then nothing is heard, and it is asked about as any other.
    expect(await take()).toBeNull();
    await letPass(id, afterSeconds);
    expect((await take())?.messageId).toBe(id);
  });

  test('is not asked about when it certainly was not taken', async () => {
    await doubtful(15, 'transient');
    expect(await take()).toBeNull();
  });
});

describe('several workers', () => {
  test('ask about each message once between them', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => sentBefore(afterSeconds)));
    const taken: string[] = [];
    const work = async (): Promise<void> => {
      // A row that another one has just locked is passed over, so nothing found once is not the end.
      for (let empty = 0; empty < 5;) {
        const claimed = await take();
        if (claimed === null) empty += 1;
        else taken.push(claimed.messageId);
      }
    };
    await Promise.all([work(), work(), work(), work()]);
    expect(taken.toSorted()).toEqual(ids.toSorted());
  });
});

describe('a question', () => {
  test('keeps what came of it, and the history of its message holds it', async () => {
    const id = await sentBefore(afterSeconds);
    const claimed = await take();
    if (claimed === null) throw new Error('nothing to ask');
    expect(await lookupsOf(id)).toMatchObject([{ provider: 'smtp', outcome: null }]);
    await finishLookup(db, claimed, 'nothing_new');
    expect(await lookupsOf(id)).toMatchObject([{ provider: 'smtp', outcome: 'nothing_new' }]);
  });

  test('that is given back was never asked, and comes again after the rest', async () => {
    const id = await sentBefore(afterSeconds);
    const claimed = await take();
    if (claimed === null) throw new Error('nothing to ask');
    await giveBackLookup(db, claimed, 300);
    expect(await lookupsOf(id)).toEqual([]);
    expect(await take()).toBeNull();
    await letPass(id, 301);
    expect((await take())?.messageId).toBe(id);
  });
});
