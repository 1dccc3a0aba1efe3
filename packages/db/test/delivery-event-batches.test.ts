import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  applyParkedEvents,
  applyStoredEvents,
  type IncomingEvent,
  storeDeliveryEvent,
  storeDeliveryEvents,
  storeEventsForLater,
} from '../src/delivery-events.ts';
import { openTestDatabase } from './support/database.ts';
import { send } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { accept, accountRow, createAccount, eventTypes, hashOf, messageRow, newId } from './support/rows.ts';
import { suppressionOf } from './support/suppressions.ts';

const db = await openTestDatabase(20);

/** Two accounts, the first with two messages. */
const openMailbox = async () => {
  const accounts = [await createAccount(db), await createAccount(db)] as const;
  const messages = [await send(db, accounts[0]), await send(db, accounts[0]), await send(db, accounts[1])];
  const look = async () => ({
    statuses: await Promise.all(messages.map(async (id) => (await messageRow(db, id)).status)),
    shown: await Promise.all(
      accounts.map(async ({ id }) => (await accountRow(db, id)).verification_email_status),
    ),
    events: await Promise.all(
      accounts.map(async ({ id }) => {
        const types = await eventTypes(db, id);
        const isReported = (type: string): boolean => type !== 'CONTACT_SUPPRESSED';
        // A batch suppresses addresses after all of its reports.
        return [...types.filter(isReported), ...types.filter((type) => !isReported(type))];
      }),
    ),
    suppressed: await Promise.all(
      accounts.map(async ({ email }) => (await suppressionOf(db, email))?.reason ?? null),
    ),
  });
  return { messages, look };
};

const types = ['accepted', 'deferred', 'delivered', 'bounced', 'rejected', 'complained', 'unknown'] as const;

test('a batch ends where its reports one after the other would end, with the same events', async () => {
  for (let round = 0; round < 25; round += 1) {
    const drawn = Array.from({ length: randomInt(1, 9) }, () => ({
      message: randomInt(3),
      type: types[randomInt(types.length)] ?? 'delivered',
    }));
    const [together, apart] = [await openMailbox(), await openMailbox()];
    const reportsOf = (messages: readonly string[]): IncomingEvent[] =>
      drawn.map(({ message, type }) => report(type, messages[message]));
    // As a provider sends them: without anything that is signed once.
    const batch = reportsOf(together.messages).map((one) => ({ ...one, replayKey: undefined }));
    const outcomes = await storeDeliveryEvents(db, batch);
    for (const one of reportsOf(apart.messages)) await storeDeliveryEvent(db, one);
    expect(outcomes).toEqual(drawn.map(() => 'applied'));
    expect(await together.look(), JSON.stringify(drawn)).toEqual(await apart.look());
  }
}, 60_000);

test('a batch that is stored for later moves nothing, and once applied ends where one that is applied at once does', async () => {
  const [now, later] = [await openMailbox(), await openMailbox()];
  const before = await later.look();
  // Each message has one report: those of one instant are applied in no promised order.
  const of = (messages: readonly string[]): IncomingEvent[] =>
    (['delivered', 'bounced', 'complained'] as const).map((type, i) => report(type, messages[i]));
  await storeDeliveryEvents(db, of(now.messages));
  const batch = of(later.messages);
  const { outcomes, ids } = await storeEventsForLater(db, [...batch, ...batch.slice(0, 1)]);
  expect(outcomes).toEqual(['stored', 'stored', 'stored', 'repeated']);
  expect(await later.look()).toEqual(before);
  // This process and the sweeps of several workers.
  const applied = await Promise.all([
    applyStoredEvents(db, ids),
    ...Array.from({ length: 4 }, () => applyParkedEvents(db, 100)),
    applyStoredEvents(db, ids),
  ]);
  expect(applied.reduce((sum, count) => sum + count, 0)).toBe(3);
  // Each of them takes some: what they tell of two messages of one account comes in either order.
  const inAnyOrder = async ({ look }: typeof now) => {
    const { events, ...rest } = await look();
    return { ...rest, events: events.map((told) => told.toSorted()) };
  };
  expect(await inAnyOrder(later)).toEqual(await inAnyOrder(now));
  expect((await storeEventsForLater(db, batch)).ids).toEqual([]);
});

test('of two reports with the same id in one batch the first counts, and a used signature over another body is told', async () => {
  const { messages } = await openMailbox();
  const first = report('delivered', messages[0]);
  const forged = {
    ...first,
    event: report('complained', messages[0]).event,
    bodyHash: hashOf('another body'),
  };
  const sameId = {
    ...report('complained', messages[0]),
    event: { ...first.event, type: 'complained' as const },
  };
  expect(await storeDeliveryEvents(db, [first, forged, sameId])).toEqual(['applied', 'replayed', 'repeated']);
  expect((await messageRow(db, messages[0] ?? '')).status).toBe('delivered');
});

test('outcomes stand in the order of the reports: new, known before, twice in one batch, of nobody', async () => {
  const { messages } = await openMailbox();
  const [first, second] = [report('delivered', messages[0]), report('delivered', messages[1])];
  await storeDeliveryEvent(db, first);
  const nobody = report('delivered', newId());
  expect(await storeDeliveryEvents(db, [second, first, nobody, second, nobody])).toEqual([
    'applied',
    'repeated',
    'parked',
    'repeated',
    'repeated',
  ]);
  expect(await storeDeliveryEvents(db, [])).toEqual([]);
});

test('copies of a batch in all orders at once count once and stop nobody', async () => {
  for (let round = 0; round < 5; round += 1) {
    const boxes = await Promise.all(Array.from({ length: 4 }, openMailbox));
    const batch = boxes.flatMap(({ messages }) =>
      messages.flatMap((id) => [report('delivered', id), report('complained', id)]),
    );
    const copies = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? batch : batch.toReversed()));
    const outcomes = (await Promise.all(copies.map((copy) => storeDeliveryEvents(db, copy)))).flat();
    expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(batch.length);
    expect(outcomes.filter((outcome) => outcome === 'repeated')).toHaveLength(7 * batch.length);
    for (const { look } of boxes)
      expect((await look()).statuses).toEqual(['complained', 'complained', 'complained']);
  }
}, 60_000);

test('batches of different reports about the same messages, in opposite orders at once, are all stored', async () => {
  for (let round = 0; round < 10; round += 1) {
    const boxes = await Promise.all(Array.from({ length: 4 }, openMailbox));
    const ids = boxes.flatMap(({ messages }) => messages);
    const batches = [ids, ids.toReversed(), ids, ids.toReversed()].map((order, i) =>
      order.map((id) => report(types[i + 2] ?? 'delivered', id)),
    );
    const outcomes = (await Promise.all(batches.map((batch) => storeDeliveryEvents(db, batch)))).flat();
    expect(new Set(outcomes)).toEqual(new Set(['applied']));
    for (const { look } of boxes)
      expect((await look()).statuses).toEqual(['complained', 'complained', 'complained']);
  }
}, 60_000);

test('a batch with one value that cannot be stored leaves nothing behind', async () => {
  const { messages, look } = await openMailbox();
  const before = await look();
  const bad = report('delivered', messages[1], { reason: 'nul \u0000' });
  await expect(storeDeliveryEvents(db, [report('delivered', messages[0]), bad])).rejects.toMatchObject({
    code: '22021',
  });
  expect(await look()).toEqual(before);
});

test('parked reports of several messages are applied together', async () => {
  const account = await createAccount(db);
  const [one, other] = [newId(), newId()];
  await storeDeliveryEvents(db, [
    report('delivered', one),
    report('bounced', other),
    report('deferred', other),
  ]);
  for (const id of [one, other]) await accept(db, account.email, { id });
  expect(await applyParkedEvents(db, 100)).toBe(3);
  expect([(await messageRow(db, one)).status, (await messageRow(db, other)).status]).toEqual([
    'delivered',
    'bounced',
  ]);
});
