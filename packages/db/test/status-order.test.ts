import type { DeliveryEventType } from '@reconfirm/core/delivery-event';
import { advance, type MessageStatus, publicStatus } from '@reconfirm/core/message';
import { describe, expect, test } from 'vitest';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { recordOf, startSending } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { accountRow, createAccount, messageRow } from './support/rows.ts';

const db = await openTestDatabase();

const permutations = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  items.length < 2
    ? [items]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));

const foldOf = (types: readonly DeliveryEventType[]): MessageStatus =>
  types.reduce((status: MessageStatus, type) => {
    const next = advance(status, { type });
    return next === 'ignore' ? status : next;
  }, 'sent');

/** What becomes of a message whose reports come in this order, the worker's record in between. */
const endOf = async (types: readonly DeliveryEventType[], recordAfter: number) => {
  const account = await createAccount(db);
  const claimed = await startSending(db, account);
  for (const [index, type] of types.entries()) {
    if (index === recordAfter) await recordMessages(db, [recordOf(claimed)]);
    await storeDeliveryEvent(db, report(type, claimed.id));
  }
  const { status } = await messageRow(db, claimed.id);
  return { status, shown: (await accountRow(db, account.id)).verification_email_status };
};

describe('all orders of the same reports end in the same status, which is the core’s', () => {
  test.each([
    [['accepted', 'delivered', 'bounced', 'complained', 'deferred']],
    [['accepted', 'delivered', 'bounced', 'deferred']],
    [['accepted', 'delivered', 'unknown', 'deferred']],
  ] as const)('%s', { timeout: 60_000 }, async (types) => {
    const orders = permutations<DeliveryEventType>(types);
    expect(new Set(orders.map(foldOf)).size).toBe(1);
    const ends = await Promise.all(orders.map((order, index) => endOf(order, index % order.length)));
    const expected = { status: foldOf(types), shown: publicStatus(foldOf(types)) };
    expect(ends).toEqual(orders.map(() => expected));
  });
});

describe('the table itself', () => {
  test.each([
    ['delivered', 'sent'],
    ['complained', 'delivered'],
    ['sent', 'queued'],
  ] as const)('refuses to take a message from %s back to %s', async (from, to) => {
    const { id } = await startSending(db, await createAccount(db));
    const set = (status: MessageStatus) =>
      db
        .updateTable('messages')
        .set({ status, lease_until: null, settled_at: status === 'queued' ? null : new Date() })
        .where('id', '=', id)
        .execute();
    await set(from);
    await expect(set(to)).rejects.toMatchObject({ code: '23514' });
    expect((await messageRow(db, id)).status).toBe(from);
  });
});
