import { describe, expect, test } from 'vitest';
import { type MessageRecord, recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { begin, claim, recordOf, send, startSending, ttlSeconds } from './support/delivery.ts';
import {
  accept,
  accountRow,
  createAccount,
  eventTypes,
  letTimePass,
  messageRow,
  verificationRow,
} from './support/rows.ts';

const db = await openTestDatabase();

const untilExpirySeconds = async (messageId: string): Promise<number> =>
  ((await verificationRow(db, messageId)).expires_at.getTime() - Date.now()) / 1000;

describe('a record', () => {
  test('of a hand-over counts the token’s lifetime from then, not from the request', async () => {
    const claimed = await startSending(db, await createAccount(db));
    await letTimePass(db, claimed.id, ttlSeconds / 2);
    expect(await untilExpirySeconds(claimed.id)).toBeLessThan(ttlSeconds * 0.6);
    await recordMessages(db, [recordOf(claimed)]);
    expect(await untilExpirySeconds(claimed.id)).toBeGreaterThan(ttlSeconds * 0.95);
  });

  test.each(['sent', 'bounced', 'gave_up', 'skipped'] as const)(
    'of %s settles the message and forgets the nonce',
    async (status) => {
      const claimed = await startSending(db, await createAccount(db));
      await recordMessages(db, [
        recordOf(claimed, { status, result: status === 'sent' ? 'accepted' : 'permanent', reason: 'why' }),
      ]);
      expect(await messageRow(db, claimed.id)).toMatchObject({
        status,
        reason: 'why',
        lease_until: null,
        settled_at: expect.any(Date),
      });
      expect((await verificationRow(db, claimed.id)).nonce).toBeNull();
    },
  );

  test('of a failure that may pass keeps the nonce and says when the message is due again', async () => {
    const claimed = await startSending(db, await createAccount(db));
    await recordMessages(db, [
      recordOf(claimed, {
        status: 'deferred',
        result: 'transient',
        code: 'smtp_451',
        retryAfterSeconds: 300,
        countsAsFailure: true,
      }),
    ]);
    const row = await messageRow(db, claimed.id);
    expect(row).toMatchObject({ status: 'deferred', failures: 1, lease_until: null, settled_at: null });
    expect((row.next_at.getTime() - Date.now()) / 1000).toBeGreaterThan(290);
    expect((await verificationRow(db, claimed.id)).nonce).toHaveLength(16);
  });

  test.each([
    ['sent', 'SENT', 'VERIFICATION_EMAIL_SENT'],
    ['bounced', 'FAILED', 'VERIFICATION_EMAIL_FAILED'],
    ['gave_up', 'FAILED', 'VERIFICATION_EMAIL_FAILED'],
  ] as const)('of %s shows as %s on the account, with its event', async (status, shown, event) => {
    const account = await createAccount(db);
    const claimed = await startSending(db, account);
    await recordMessages(db, [
      recordOf(claimed, { status, result: status === 'sent' ? 'accepted' : 'permanent' }),
    ]);
    expect((await accountRow(db, account.id)).verification_email_status).toBe(shown);
    expect(await eventTypes(db, account.id)).toEqual([event]);
  });

  test('of an older message does not touch the account’s status', async () => {
    const account = await createAccount(db);
    const older = await startSending(db, account);
    await send(db, account);
    await recordMessages(db, [recordOf(older, { status: 'bounced', result: 'permanent' })]);
    expect((await accountRow(db, account.id)).verification_email_status).toBe('SENT');
  });

  test('of two messages of one account in one batch lets the newer one decide', async () => {
    const account = await createAccount(db);
    const older = await startSending(db, account);
    const newer = await startSending(db, account);
    await recordMessages(db, [recordOf(newer), recordOf(older, { status: 'bounced', result: 'permanent' })]);
    expect((await accountRow(db, account.id)).verification_email_status).toBe('SENT');
  });

  test('keeps the provider’s answer with the attempt', async () => {
    const claimed = await startSending(db, await createAccount(db));
    await recordMessages(db, [
      recordOf(claimed, { reply: '250 queued as 1', providerMessageId: '<1@provider>' }),
    ]);
    const attempt = await db
      .selectFrom('attempts')
      .selectAll()
      .where('message_id', '=', claimed.id)
      .executeTakeFirstOrThrow();
    expect(attempt).toMatchObject({
      result: 'accepted',
      reply: '250 queued as 1',
      finished_at: expect.any(Date),
    });
    expect((await messageRow(db, claimed.id)).provider_message_id).toBe('<1@provider>');
  });
});

describe('the record of a stale holder', () => {
  /** A message whose lease went from one holder to another, both of which have begun an attempt. */
  const takenOver = async () => {
    const account = await createAccount(db);
    const stale = await startSending(db, account);
    await letTimePass(db, stale.id, 120);
    const current = await claim(db, stale.id);
    await begin(db, current, account.id);
    return { account, stale, current };
  };

  test.each([
    ['bounced', 'permanent'],
    ['gave_up', null],
    ['skipped', null],
    ['deferred', 'transient'],
  ] as const)('changes neither the message nor its token when it says %s', async (status, result) => {
    const { account, stale } = await takenOver();
    const before = [
      await messageRow(db, stale.id),
      await verificationRow(db, stale.id),
      await accountRow(db, account.id),
    ];
    const record: Partial<MessageRecord> = {
      status,
      result,
      reason: 'stale',
      retryAfterSeconds: 60,
      countsAsFailure: true,
    };
    await recordMessages(db, [recordOf(stale, record)]);
    const after = [
      await messageRow(db, stale.id),
      await verificationRow(db, stale.id),
      await accountRow(db, account.id),
    ];
    expect(after).toEqual(before);
  });

  test('counts when it says sent, because that is evidence', async () => {
    const { account, stale, current } = await takenOver();
    await recordMessages(db, [recordOf(stale)]);
    expect(await messageRow(db, stale.id)).toMatchObject({ status: 'sent', lease_until: null });
    // The other holder's failure comes too late to undo it.
    await recordMessages(db, [recordOf(current, { status: 'deferred', result: 'transient' })]);
    expect((await messageRow(db, stale.id)).status).toBe('sent');
    expect((await accountRow(db, account.id)).verification_email_status).toBe('SENT');
  });
});

test('a record never moves a message back: what the provider reported first stays', async () => {
  const claimed = await claim(db, await accept(db, (await createAccount(db)).email));
  await db
    .updateTable('messages')
    .set({ status: 'delivered', lease_until: null, settled_at: new Date() })
    .where('id', '=', claimed.id)
    .execute();
  await recordMessages(db, [recordOf(claimed)]);
  expect((await messageRow(db, claimed.id)).status).toBe('delivered');
});
