import { describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { acceptMessages } from '../src/accept-messages.ts';
import { applyParkedEvents, storeDeliveryEvent } from '../src/delivery-events.ts';
import { recordMessages } from '../src/records.ts';

import { openTestDatabase } from './support/database.ts';
import { recordOf, send, startSending } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { suppressionOf } from './support/suppressions.ts';
import {
  accept,
  accountRow,
  createAccount,
  eventTypes,
  hashOf,
  messageRow,
  newId,
  requestFor,
  verificationRow,
} from './support/rows.ts';

const db = await openTestDatabase(20);

describe('a report', () => {
  test('that comes before the hand-over was recorded counts, and the record does not undo it', async () => {
    const account = await createAccount(db);
    const claimed = await startSending(db, account);
    expect(await storeDeliveryEvent(db, report('delivered', claimed.id))).toBe('applied');
    expect(await messageRow(db, claimed.id)).toMatchObject({
      status: 'delivered',
      lease_until: null,
      settled_at: expect.any(Date),
    });
    expect((await verificationRow(db, claimed.id)).nonce).toBeNull();
    await recordMessages(db, [recordOf(claimed)]);
    expect((await messageRow(db, claimed.id)).status).toBe('delivered');
    expect((await accountRow(db, account.id)).verification_email_status).toBe('DELIVERED');
  });

  test('that comes twice, or 20 times at once, counts once', async () => {
    const account = await createAccount(db);
    const delivered = report('delivered', await send(db, account));
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => storeDeliveryEvent(db, delivered)));
    expect(outcomes.toSorted()).toEqual(['applied', ...Array.from({ length: 19 }, () => 'repeated')]);
    expect(
      (await eventTypes(db, account.id)).filter((t) => t === 'VERIFICATION_EMAIL_DELIVERED'),
    ).toHaveLength(1);
  });

  test('that comes 50 times, one after the other and at once, leaves every row as the first left it', async () => {
    const account = await createAccount(db);
    const id = await send(db, account);
    const everything = async () => ({
      message: await messageRow(db, id),
      account: await accountRow(db, account.id),
      verification: await verificationRow(db, id),
      accountEvents: await eventTypes(db, account.id),
      reports: await db.selectFrom('delivery_events').selectAll().where('message_id', '=', id).execute(),
    });
    for (const type of ['deferred', 'bounced', 'complained'] as const) {
      const incoming = report(type, id);
      expect(await storeDeliveryEvent(db, incoming)).toBe('applied');
      const afterFirst = await everything();
      for (let time = 0; time < 25; time += 1)
        expect(await storeDeliveryEvent(db, incoming)).toBe('repeated');
      await Promise.all(Array.from({ length: 24 }, () => storeDeliveryEvent(db, incoming)));
      expect(await everything()).toEqual(afterFirst);
    }
  });

  test('with a used signature over another body is refused and changes nothing', async () => {
    const id = await send(db, await createAccount(db));
    const genuine = report('delivered', id);
    await storeDeliveryEvent(db, genuine);
    const forged = { ...report('complained', id), replayKey: genuine.replayKey };
    expect(await storeDeliveryEvent(db, forged)).toBe('replayed');
    expect((await messageRow(db, id)).status).toBe('delivered');
  });

  test.each([
    ['delivered', 'DELIVERED', 'VERIFICATION_EMAIL_DELIVERED'],
    ['bounced', 'FAILED', 'VERIFICATION_EMAIL_FAILED'],
    ['rejected', 'FAILED', 'VERIFICATION_EMAIL_FAILED'],
    ['failed', 'FAILED', 'VERIFICATION_EMAIL_FAILED'],
    ['complained', 'COMPLAINED', 'VERIFICATION_EMAIL_COMPLAINED'],
    ['deferred', 'SENT', 'VERIFICATION_EMAIL_TEMP_FAILED'],
  ] as const)('of %s shows as %s on the account, and leaves its event', async (type, shown, event) => {
    const account = await createAccount(db);
    const id = await send(db, account);
    await storeDeliveryEvent(db, report(type, id, { reason: 'mailbox full' }));
    expect((await accountRow(db, account.id)).verification_email_status).toBe(shown);
    const suppressed = type === 'complained' ? ['CONTACT_SUPPRESSED'] : [];
    expect(await eventTypes(db, account.id)).toEqual(['VERIFICATION_EMAIL_SENT', event, ...suppressed]);
  });

  test.each(['accepted', 'unknown'] as const)('of %s leaves no event on the account', async (type) => {
    const account = await createAccount(db);
    await storeDeliveryEvent(db, report(type, await send(db, account)));
    expect(await eventTypes(db, account.id)).toEqual(['VERIFICATION_EMAIL_SENT']);
  });

  test.each([
    ['a soft bounce', { type: 'bounced', bounce: 'soft' }],
    ['the provider’s own refusal', { type: 'rejected' }],
  ] as const)(
    '%s before or after the delivery leaves it delivered, and tells nobody afterwards that it failed',
    async (_, { type, ...bounce }) => {
      const account = await createAccount(db);
      const id = await send(db, account);
      await storeDeliveryEvent(db, report(type, id, bounce));
      expect(await messageRow(db, id)).toMatchObject({ status: 'undelivered' });
      expect((await accountRow(db, account.id)).verification_email_status).toBe('FAILED');
      await storeDeliveryEvent(db, report('delivered', id));
      await storeDeliveryEvent(db, report(type, id, bounce));
      expect(await messageRow(db, id)).toMatchObject({ status: 'delivered' });
      expect((await accountRow(db, account.id)).verification_email_status).toBe('DELIVERED');
      expect(await eventTypes(db, account.id)).toEqual([
        'VERIFICATION_EMAIL_SENT',
        'VERIFICATION_EMAIL_FAILED',
        'VERIFICATION_EMAIL_DELIVERED',
      ]);
    },
  );

  test('that says under another id what is known is kept and tells nobody a second time', async () => {
    for (const type of ['delivered', 'bounced', 'complained'] as const) {
      const account = await createAccount(db);
      const id = await send(db, account);
      await storeDeliveryEvent(db, report(type, id, { bounce: 'hard' }));
      const once = [await eventTypes(db, account.id), await suppressionOf(db, account.email)];
      expect(await storeDeliveryEvent(db, report(type, id, { bounce: 'hard' }))).toBe('applied');
      expect([await eventTypes(db, account.id), await suppressionOf(db, account.email)]).toEqual(once);
    }
  });

  test('about an older message moves that message and not the account', async () => {
    const account = await createAccount(db);
    const older = await send(db, account);
    const newer = await send(db, account);
    await storeDeliveryEvent(db, report('delivered', newer));
    await storeDeliveryEvent(db, report('bounced', older));
    expect((await messageRow(db, older)).status).toBe('bounced');
    expect((await accountRow(db, account.id)).verification_email_status).toBe('DELIVERED');
  });

  test('without our id finds its message by the provider’s', async () => {
    const claimed = await startSending(db, await createAccount(db));
    await recordMessages(db, [recordOf(claimed, { providerMessageId: '<found@provider>' })]);
    const incoming = report('delivered', undefined, { providerMessageId: '<found@provider>' });
    expect(await storeDeliveryEvent(db, incoming)).toBe('applied');
    expect((await messageRow(db, claimed.id)).status).toBe('delivered');
  });
});

describe('a report of a message that is not known', () => {
  test('because its request is not committed yet waits, and counts once it is', async () => {
    const account = await createAccount(db);
    const request = requestFor(account.email);
    await db.transaction().execute(async (tx) => {
      await acceptMessages(tx, [request]);
      expect(await storeDeliveryEvent(db, report('delivered', request.id))).toBe('parked');
      expect(await applyParkedEvents(db, 100)).toBe(0);
    });
    expect(await applyParkedEvents(db, 100)).toBe(1);
    expect(await messageRow(db, request.id)).toMatchObject({
      status: 'delivered',
      settled_at: expect.any(Date),
    });
  });

  test('by the provider’s id because SENT is being committed waits, and outranks it afterwards', async () => {
    const account = await createAccount(db);
    const claimed = await startSending(db, account);
    await db.transaction().execute(async (tx) => {
      await recordMessages(tx, [recordOf(claimed, { providerMessageId: '<beaten@provider>' })]);
      const incoming = report('bounced', undefined, { providerMessageId: '<beaten@provider>' });
      expect(await storeDeliveryEvent(db, incoming)).toBe('parked');
    });
    expect((await messageRow(db, claimed.id)).status).toBe('sent');
    expect(await applyParkedEvents(db, 100)).toBe(1);
    expect((await messageRow(db, claimed.id)).status).toBe('bounced');
    expect((await accountRow(db, account.id)).verification_email_status).toBe('FAILED');
  });

  test('waits, and is applied once when the message has become known', async () => {
    const account = await createAccount(db);
    const id = newId();
    expect(await storeDeliveryEvent(db, report('delivered', id))).toBe('parked');
    expect(await applyParkedEvents(db, 100)).toBe(0);
    await accept(db, account.email, { id });
    const applied = await Promise.all(Array.from({ length: 5 }, () => applyParkedEvents(db, 100)));
    expect(applied.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect((await messageRow(db, id)).status).toBe('delivered');
  });

  test('is not looked at again once it is ten minutes old', async () => {
    const [late, inTime] = [newId(), newId()];
    const reports = [report('delivered', late), report('delivered', inTime)];
    for (const incoming of reports) await storeDeliveryEvent(db, incoming);
    const ageMinutes = async (minutes: number, messageId: string): Promise<void> => {
      await sql`UPDATE delivery_events SET received_at = now() - make_interval(mins => ${minutes})
                 WHERE message_id = ${messageId}`.execute(db);
    };
    await ageMinutes(11, late);
    await ageMinutes(9, inTime);
    for (const id of [late, inTime]) await accept(db, (await createAccount(db)).email, { id });
    expect(await applyParkedEvents(db, 100)).toBe(1);
    expect([(await messageRow(db, late)).status, (await messageRow(db, inTime)).status]).toEqual([
      'queued',
      'delivered',
    ]);
  });

  test('is looked at whatever its age where nobody applied any for a while, if it names a message of ours', async () => {
    const account = await createAccount(db);
    const id = newId();
    await storeDeliveryEvent(db, report('delivered', id));
    await sql`UPDATE delivery_events SET received_at = now() - interval '20 hours' WHERE message_id = ${id}`.execute(
      db,
    );
    await accept(db, account.email, { id });
    await applyParkedEvents(db, 100);
    expect((await messageRow(db, id)).status).toBe('queued');
    await applyParkedEvents(db, 100, undefined, true);
    expect((await messageRow(db, id)).status).toBe('delivered');
  });

  test('by the provider’s id waits for the record of its message', async () => {
    const claimed = await startSending(db, await createAccount(db));
    const incoming = report('bounced', undefined, { providerMessageId: '<late@provider>' });
    expect(await storeDeliveryEvent(db, incoming)).toBe('parked');
    await recordMessages(db, [recordOf(claimed, { providerMessageId: '<late@provider>' })]);
    expect(await applyParkedEvents(db, 100)).toBe(1);
    expect((await messageRow(db, claimed.id)).status).toBe('bounced');
  });
});

test('a report with a value that cannot be stored leaves nothing behind', async () => {
  const id = await send(db, await createAccount(db));
  const incoming = report('delivered', id, { reason: 'nul \u0000' });
  await expect(storeDeliveryEvent(db, incoming)).rejects.toMatchObject({ code: '22021' });
  expect((await messageRow(db, id)).status).toBe('sent');
  const seen = await db
    .selectFrom('delivery_events')
    .select('id')
    .where('replay_key', '=', hashOf(`signature ${incoming.event.eventId}`))
    .execute();
  expect(seen).toEqual([]);
});
