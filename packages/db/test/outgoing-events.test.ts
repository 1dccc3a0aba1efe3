import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { verifyAccountByAdmin } from '../src/accounts.ts';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { listOutgoingEvents, makeTestEvent, numberEvents } from '../src/outgoing-events.ts';
import { recordMessages } from '../src/records.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { confirmToken } from '../src/verifications.ts';
import { openTestDatabase } from './support/database.ts';
import { begin, claim, confirm, recordOf, send, tokenHashOf } from './support/delivery.ts';
import { countsOf, createEndpoint, makeEvents, toldOf } from './support/outgoing.ts';
import { report } from './support/reports.ts';
import { accept, createAccount, hashOf, type MailAccount, newEmail, newId } from './support/rows.ts';

const db = await openTestDatabase(40);
const organizationId = defaultOrganizationId;

/** A message of a purpose that was sent to an account. */
const sendFor = async (
  account: MailAccount,
  purpose: string,
  changes: Parameters<typeof accept>[2] = {},
): Promise<string> => {
  const subjectKey = hashOf(`${purpose} ${account.email} ${changes.change?.side ?? ''}`);
  const claimed = await claim(db, await accept(db, account.email, { purpose, subjectKey, ...changes }));
  await begin(db, claimed, account.id);
  await recordMessages(db, [recordOf(claimed)]);
  return claimed.id;
};

const startChange = async (
  account: MailAccount,
  channel: 'email' | 'sms',
  mode: 'new_only' | 'both',
): Promise<string> => {
  const id = newId();
  const address = channel === 'email' ? newEmail() : '+34612345678';
  await db
    .insertInto('contact_changes')
    .values({
      id,
      organization_id: organizationId,
      account_id: account.id,
      channel,
      mode,
      new_address: address,
      new_key: hashOf(address),
      expires_at: sql<Date>`now() + interval '1 hour'`,
    })
    .execute();
  return id;
};

describe('each way to verify tells the host once, in the transaction that verifies', () => {
  test.each(['signup', 'recovery', 'magiclink'])(
    'a link of %s, pressed 100 times at once',
    async (purpose) => {
      const account = await createAccount(db);
      const messageId = await sendFor(account, purpose);
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => confirm(db, tokenHashOf(messageId))),
      );
      expect(answers.filter((answer) => answer.state === 'live')).toHaveLength(1);
      expect(await toldOf(db, account.id)).toEqual([
        { type: 'message.sent', channel: 'email', purpose, method: null },
        { type: 'verification.completed', channel: 'email', purpose, method: 'link' },
      ]);
    },
  );

  test('a code, typed 100 times at once', async () => {
    const account = await createAccount(db);
    const messageId = await sendFor(account, 'signup');
    await Promise.all(
      Array.from({ length: 100 }, () => confirmToken(db, { by: 'code', messageId }, ['signup'])),
    );
    expect(await toldOf(db, account.id)).toEqual([
      { type: 'message.sent', channel: 'email', purpose: 'signup', method: null },
      { type: 'verification.completed', channel: 'email', purpose: 'signup', method: 'code' },
    ]);
  });

  test('an invitation, which is told as accepted besides', async () => {
    const account = await createAccount(db);
    const messageId = await sendFor(account, 'invitation');
    await Promise.all(Array.from({ length: 100 }, () => confirm(db, tokenHashOf(messageId))));
    expect(await countsOf(db, account.id)).toEqual({
      'message.sent': 1,
      'verification.completed': 1,
      'invitation.accepted': 1,
    });
  });

  test('an operator, 100 times at once', async () => {
    const account = await createAccount(db);
    await Promise.all(Array.from({ length: 100 }, () => verifyAccountByAdmin(db, account.id)));
    expect(await toldOf(db, account.id)).toEqual([
      { type: 'verification.completed', channel: 'email', purpose: null, method: 'admin' },
    ]);
  });

  test('a text message', async () => {
    const account = await createAccount(db);
    await db
      .updateTable('accounts')
      .set({ phone: '+34600000001', phone_key: hashOf('+34600000001') })
      .where('id', '=', account.id)
      .execute();
    const addressKey = hashOf('+34600000001');
    const messageId = await sendFor(account, 'sms', { channel: 'sms', addressKey });
    await Promise.all(Array.from({ length: 100 }, () => confirm(db, tokenHashOf(messageId))));
    expect((await toldOf(db, account.id)).filter(({ type }) => type === 'verification.completed')).toEqual([
      { type: 'verification.completed', channel: 'sms', purpose: 'sms', method: 'link' },
    ]);
  });

  test.each([
    ['email', 'email_change', 'email'],
    ['sms', 'phone_change', 'sms'],
  ] as const)('a change of address by %s, with the change besides', async (channel, purpose, told) => {
    const account = await createAccount(db);
    const change = {
      id: await startChange(account, channel, 'new_only'),
      accountId: account.id,
      side: 'new' as const,
    };
    const messageId = await sendFor(account, purpose, { channel, change });
    await Promise.all(Array.from({ length: 100 }, () => confirm(db, tokenHashOf(messageId))));
    const events = (await toldOf(db, account.id)).filter(({ type }) => !type.startsWith('message.'));
    expect(events.map(({ type }) => type).toSorted()).toEqual(['contact.changed', 'verification.completed']);
    for (const event of events) expect(event).toMatchObject({ channel: told, purpose, method: 'link' });
  });

  test('a change that both sides confirm at once is told when it is complete, once', async () => {
    const account = await createAccount(db);
    const id = await startChange(account, 'email', 'both');
    const sides = await Promise.all(
      (['current', 'new'] as const).map((side) =>
        sendFor(account, 'email_change', { change: { id, accountId: account.id, side } }),
      ),
    );
    const presses = Array.from({ length: 50 }, () => sides.map((side) => confirm(db, tokenHashOf(side))));
    await Promise.all(presses.flat());
    expect(await countsOf(db, account.id)).toEqual({
      'message.sent': 2,
      'verification.completed': 1,
      'contact.changed': 1,
    });
  });

  test('a second proof of an address that was proved is no other verification', async () => {
    const account = await createAccount(db);
    await confirm(db, tokenHashOf(await sendFor(account, 'signup')));
    await confirm(db, tokenHashOf(await sendFor(account, 'magiclink')));
    expect((await countsOf(db, account.id))['verification.completed']).toBe(1);
  });

  test('a transaction that is taken back tells nothing', async () => {
    const account = await createAccount(db);
    await db
      .transaction()
      .execute(async (tx) => {
        await verifyAccountByAdmin(tx, account.id);
        throw new Error('no');
      })
      .catch(() => {});
    expect(await toldOf(db, account.id)).toEqual([]);
  });
});

describe('what becomes of a message', () => {
  test('is told once a step, however often and under how many ids a provider reports it', async () => {
    const account = await createAccount(db);
    const messageId = await send(db, account);
    for (const type of ['delivered', 'delivered', 'deferred', 'complained', 'complained'] as const)
      await storeDeliveryEvent(db, report(type, messageId));
    expect(await toldOf(db, account.id)).toEqual(
      ['message.sent', 'message.delivered', 'message.complained', 'contact.suppressed'].map((type) => ({
        type,
        channel: 'email',
        purpose: 'signup',
        method: type === 'contact.suppressed' ? 'report' : null,
      })),
    );
  });

  test('is told as failed when the server refuses it', async () => {
    const account = await createAccount(db);
    const claimed = await claim(db, await accept(db, account.email));
    await begin(db, claimed, account.id);
    await recordMessages(db, [recordOf(claimed, { status: 'bounced', result: 'permanent' })]);
    expect(await countsOf(db, account.id)).toEqual({ 'message.failed': 1 });
  });

  test('of nobody is told to nobody', async () => {
    const claimed = await claim(db, await accept(db, newEmail()));
    await recordMessages(db, [
      recordOf(claimed, { status: 'skipped', reason: 'unknown_account', result: null }),
    ]);
    const rows = await db
      .selectFrom('outgoing_events')
      .select('id')
      .where('message_id', '=', claimed.id)
      .execute();
    expect(rows).toEqual([]);
  });
});

test('a disowned contact is told', async () => {
  const account = await createAccount(db);
  await db
    .insertInto('account_events')
    .values({ account_id: account.id, type: 'CONTACT_DISOWNED' })
    .execute();
  expect(await countsOf(db, account.id)).toEqual({ 'contact.disowned': 1 });
});

/** The whole feed, as a reader that starts from nothing sees it. */
const readFeed = async (after = '0') => listOutgoingEvents(db, { organizationId, after, limit: 1_000_000 });

const numberAll = async (): Promise<void> => {
  while ((await numberEvents(db, 1000)) > 0);
};

describe('sequence numbers', () => {
  test('have no gap and no double, whoever numbers, and a reader never steps over one', async () => {
    const account = await createAccount(db);
    await numberAll();
    const startAfter = (await readFeed()).at(-1)?.sequence ?? '0';
    const seen: string[] = [];
    const written = new AbortController();
    const reader = async (): Promise<void> => {
      while (!written.signal.aborted) {
        await numberEvents(db, 7);
        seen.push(...(await readFeed(seen.at(-1) ?? startAfter)).map(({ sequence }) => sequence));
      }
    };
    const writer = async (): Promise<void> => {
      for (let i = 0; i < 20; i += 1)
        await db.transaction().execute(async (tx) => {
          await makeEvents(tx, account.id, 1);
          // Open for a while: its rows were made before those that commit meanwhile.
          await sql`SELECT pg_sleep(${Math.random() * 0.01})`.execute(tx);
        });
    };
    const reading = Promise.all([reader(), numberEvents(db, 3), numberEvents(db, 3)]);
    await Promise.all(Array.from({ length: 10 }, writer));
    written.abort();
    await reading;
    await numberAll();
    seen.push(...(await readFeed(seen.at(-1) ?? startAfter)).map(({ sequence }) => sequence));
    const expected = Array.from({ length: 200 }, (_, i) => String(Number(startAfter) + 1 + i));
    expect(seen).toEqual(expected);
  }, 30_000);

  test('give each endpoint that wants it one delivery, and no other', async () => {
    await numberAll();
    const [all, verified, other] = [
      await createEndpoint(db),
      await createEndpoint(db, ['verification.completed']),
      await createEndpoint(db, ['message.failed']),
    ];
    const off = await createEndpoint(db);
    await db.updateTable('webhook_endpoints').set({ active: false }).where('id', '=', off.id).execute();
    const account = await createAccount(db);
    await makeEvents(db, account.id, 3);
    expect(await makeTestEvent(db, organizationId, other.id)).toBeDefined();
    expect(await makeTestEvent(db, organizationId, newId())).toBeUndefined();
    await Promise.all(Array.from({ length: 5 }, numberAll));
    const rows = await db.selectFrom('webhook_deliveries').select(['endpoint_id']).execute();
    const of = (id: string): number => rows.filter((row) => row.endpoint_id === id).length;
    expect([all, verified, other, off].map(({ id }) => of(id))).toEqual([3, 3, 1, 0]);
    expect((await readFeed()).filter(({ type }) => type === 'endpoint.test')).toEqual([]);
  });
});

test('an account that is deleted leaves its events without a person, in the feed and in the rows', async () => {
  const account = await createAccount(db);
  await confirm(db, tokenHashOf(await sendFor(account, 'signup')));
  await numberAll();
  const mine = (await readFeed()).filter(({ accountId }) => accountId === account.id);
  expect(mine.map(({ email }) => email)).toEqual([account.email, account.email]);
  await db.deleteFrom('accounts').where('id', '=', account.id).execute();
  const after = (await readFeed()).filter(({ id }) => mine.some((event) => event.id === id));
  expect(after.map(({ accountId, email }) => [accountId, email])).toEqual([
    [null, null],
    [null, null],
  ]);
  const rows = JSON.stringify(await db.selectFrom('outgoing_events').selectAll().execute());
  expect(rows).not.toContain(account.email);
  expect(rows).not.toContain(account.id);
});
