import { randomBytes } from 'node:crypto';
import { hardBounceDays } from '@reconfirm/core/suppression';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { claimMessages } from '../src/claims.ts';
import { applyParkedEvents, storeDeliveryEvent } from '../src/delivery-events.ts';
import { recordMessages } from '../src/records.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { listSuppressions } from '../src/suppressions.ts';
import { openTestDatabase } from './support/database.ts';
import { claim, recordOf, send, startSending } from './support/delivery.ts';
import { toldOf } from './support/outgoing.ts';
import { report } from './support/reports.ts';
import { accept, createAccount, eventTypes, hashOf, messageRow, newEmail, newId } from './support/rows.ts';
import {
  bounce,
  changesOf,
  hard,
  isSuppressed,
  lastsDays,
  letDaysPass,
  recordedOf,
  suppressionOf,
} from './support/suppressions.ts';

const db = await openTestDatabase(20);
const organizationId = defaultOrganizationId;

describe('R29.1: a hard bounce blocks for a set time that doubles, a complaint until it is lifted', () => {
  test('a hard bounce suppresses its address, with its reason, its message and its report', async () => {
    const account = await createAccount(db);
    const id = await send(db, account);
    expect(await isSuppressed(db, account)).toBe(false);
    await storeDeliveryEvent(db, report('bounced', id, hard));
    const recorded = await recordedOf(db, account.email);
    expect(recorded).toMatchObject({
      channel: 'email',
      reason: 'hard_bounce',
      detail: hard.reason,
      messageId: id,
      isInForce: true,
      liftedAt: null,
    });
    expect(lastsDays(recorded)).toBe(14);
    expect(await isSuppressed(db, account)).toBe(true);
    const { rows } = await sql<{ message_id: string; type: string }>`
      SELECT e.message_id, e.type FROM suppressions s JOIN delivery_events e ON e.id = s.delivery_event_id
       WHERE s.id = ${recorded.id}`.execute(db);
    expect(rows).toEqual([{ message_id: id, type: 'bounced' }]);
    expect(await changesOf(db, recorded.id)).toMatchObject([
      { change: 'suppressed', by: 'report', reason: 'hard_bounce', messageId: id, who: null },
    ]);
  });

  test('it ends by itself, and the next one lasts twice as long', async () => {
    const account = await createAccount(db);
    for (const days of [14, 28, 56]) {
      await bounce(db, account);
      expect(lastsDays(await recordedOf(db, account.email))).toBe(days);
      await letDaysPass(db, account.email, days);
      expect(await isSuppressed(db, account)).toBe(false);
    }
  });

  test('the setting says for how long; 0 suppresses for no bounce, and for complaints all the same', async () => {
    const [account, other] = [await createAccount(db), await createAccount(db)];
    const [id, its] = [await send(db, account), await send(db, other)];
    await storeDeliveryEvent(db, report('bounced', id, hard), hardBounceDays(3));
    expect(lastsDays(await recordedOf(db, account.email))).toBe(3);
    await storeDeliveryEvent(db, report('bounced', its, hard), hardBounceDays(0));
    expect(await suppressionOf(db, other.email)).toBeUndefined();
    await storeDeliveryEvent(db, report('complained', its), hardBounceDays(0));
    expect(await recordedOf(db, other.email)).toMatchObject({ reason: 'complaint', expiresAt: null });
  });

  test.each([
    ['bounced', { bounce: 'soft' as const, reason: 'mailbox full' }],
    ['bounced', {}],
    ['rejected', { bounce: 'hard' as const }],
    ['failed', {}],
    ['deferred', { bounce: 'soft' as const }],
    ['delivered', {}],
  ] as const)('soft bounces never suppress, however many: %s %j', async (type, changes) => {
    const account = await createAccount(db);
    for (let time = 0; time < 10; time += 1)
      await storeDeliveryEvent(db, report(type, await send(db, account), changes));
    expect(await suppressionOf(db, account.email)).toBeUndefined();
    expect(await isSuppressed(db, account)).toBe(false);
  });

  test('messages that were under way together bounce as one: one suppression, and one event told', async () => {
    const account = await createAccount(db);
    const ids: string[] = [];
    for (let count = 0; count < 20; count += 1) ids.push(await send(db, account));
    await Promise.all(ids.map((id) => storeDeliveryEvent(db, report('bounced', id, hard))));
    const recorded = await recordedOf(db, account.email);
    expect([lastsDays(recorded), recorded.times]).toEqual([14, 1]);
    expect(await changesOf(db, recorded.id)).toHaveLength(1);
    const told = (await toldOf(db, account.id)).filter(({ type }) => type === 'contact.suppressed');
    expect(told).toEqual([
      { type: 'contact.suppressed', channel: 'email', purpose: 'signup', method: 'report' },
    ]);
    expect((await eventTypes(db, account.id)).filter((type) => type === 'CONTACT_SUPPRESSED')).toHaveLength(
      1,
    );
  });

  test('a bounce and a complaint of one message end alike in either order', async () => {
    for (const order of [
      ['bounced', 'complained'],
      ['complained', 'bounced'],
    ] as const) {
      const account = await createAccount(db);
      const id = await send(db, account);
      for (const type of order) await storeDeliveryEvent(db, report(type, id, hard));
      expect(await recordedOf(db, account.email)).toMatchObject({ reason: 'complaint', expiresAt: null });
    }
  });

  test('a report that was parked suppresses when its message becomes known', async () => {
    const claimed = await startSending(db, await createAccount(db));
    const incoming = report('bounced', undefined, { ...hard, providerMessageId: `<${newId()}@provider>` });
    expect(await storeDeliveryEvent(db, incoming)).toBe('parked');
    const providerMessageId = incoming.event.providerMessageId ?? '';
    await recordMessages(db, [recordOf(claimed, { providerMessageId })]);
    expect(await applyParkedEvents(db, 100)).toBe(1);
    expect((await claimMessages(db, [claimed.id], 60))[0]).toBeNull();
    const { address_key } = await messageRow(db, claimed.id);
    const filter = { organizationId, addressKey: address_key, inForceOnly: true, limit: 1 };
    expect(await listSuppressions(db, filter)).toMatchObject([{ reason: 'hard_bounce' }]);
  });

  test('report and suppression are written together or not at all', async () => {
    const account = await createAccount(db);
    const id = await send(db, account);
    await sql`ALTER TABLE suppression_changes RENAME TO taken_away`.execute(db);
    try {
      await expect(storeDeliveryEvent(db, report('bounced', id, hard))).rejects.toMatchObject({
        code: '42P01',
      });
    } finally {
      await sql`ALTER TABLE taken_away RENAME TO suppression_changes`.execute(db);
    }
    expect((await messageRow(db, id)).status).toBe('sent');
    expect(await suppressionOf(db, account.email)).toBeUndefined();
    expect(await eventTypes(db, account.id)).toEqual(['VERIFICATION_EMAIL_SENT']);
  });

  test('a message of an account that has moved to another address suppresses neither', async () => {
    const account = await createAccount(db);
    const id = await send(db, account);
    const moved = newEmail();
    await db
      .updateTable('accounts')
      .set({ email: moved, email_key: hashOf(moved) })
      .where('id', '=', account.id)
      .execute();
    await storeDeliveryEvent(db, report('bounced', id, hard));
    expect([await suppressionOf(db, account.email), await suppressionOf(db, moved)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('a refused hand-over', () => {
  const refused = { status: 'bounced', result: 'permanent', reason: 'recipient_refused' } as const;

  test('suppresses in the transaction of its record, among others that do not, and once when it is repeated', async () => {
    const accounts = await Promise.all(Array.from({ length: 4 }, () => createAccount(db)));
    const claimed = [];
    for (const account of accounts) claimed.push(await startSending(db, account));
    const records = claimed.map((one, index) =>
      recordOf(one, {
        ...refused,
        reply: '550 5.1.1 user unknown',
        suppresses: index % 2 === 0 ? 'hard_bounce' : null,
      }),
    );
    await recordMessages(db, records);
    await recordMessages(db, records);
    const found = await Promise.all(accounts.map(({ email }) => suppressionOf(db, email)));
    expect(found.map((one) => one?.reason)).toEqual(['hard_bounce', undefined, 'hard_bounce', undefined]);
    expect(found[0]).toMatchObject({ detail: '550 5.1.1 user unknown', times: 1 });
    expect(await changesOf(db, found[0]?.id ?? '')).toMatchObject([{ by: 'hand_over' }]);
    expect(await Promise.all(claimed.map(async ({ id }) => (await messageRow(db, id)).status))).toEqual(
      claimed.map(() => 'bounced'),
    );
  });

  test('a STOP suppresses a number for a time, for nobody tells us of a START', async () => {
    const phone = `+4520${randomBytes(3).readUIntBE(0, 3)}`;
    const id = await accept(db, phone, { channel: 'sms', purpose: 'sms' });
    const claimed = await claim(db, id);
    await recordMessages(db, [recordOf(claimed, { ...refused, suppresses: 'opt_out', code: 'opted_out' })]);
    const recorded = await recordedOf(db, phone);
    expect(recorded).toMatchObject({ channel: 'sms', reason: 'opt_out', detail: 'opted_out' });
    expect(lastsDays(recorded)).toBe(14);
    const other = await accept(db, `${phone}1`, { channel: 'sms', purpose: 'sms' });
    await storeDeliveryEvent(db, report('complained', other));
    expect(await recordedOf(db, `${phone}1`)).toMatchObject({ reason: 'opt_out' });
  });
});
