import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { subjectKeysOf } from '../src/cancel-messages.ts';
import { listOutgoingEvents, numberEvents } from '../src/outgoing-events.ts';
import { findUnproved, lapsePendingAccounts } from '../src/pending-accounts.ts';
import { recordMessages } from '../src/records.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { openSession } from '../src/sessions.ts';
import { meetAt } from './support/collision.ts';
import { openTestDatabase } from './support/database.ts';
import { explain } from './support/explain.ts';
import { claim, confirm, recordOf, send, tokenHashOf } from './support/delivery.ts';
import { accept, createAccount, hashOf, letTimePass, type MailAccount, newId } from './support/rows.ts';

const db = await openTestDatabase();
const days = 30;
const daySeconds = 86_400;

beforeEach(async () => {
  await sql`TRUNCATE accounts, messages, outgoing_events, event_sequences CASCADE`.execute(db);
});

/** An account that was made so many days ago. */
const accountOf = async (
  ageDays: number,
  status: Parameters<typeof createAccount>[1] = 'pending',
): Promise<MailAccount> => {
  const account = await createAccount(db, status);
  await sql`
    UPDATE accounts SET created_at = created_at - make_interval(days => ${ageDays}) WHERE id = ${account.id}`.execute(
    db,
  );
  return account;
};

const idsLeft = async (): Promise<readonly string[]> =>
  (await db.selectFrom('accounts').select('id').orderBy('id').execute()).map(({ id }) => id);

const signIn = (account: MailAccount) =>
  openSession(db, {
    id: newId(),
    accountId: account.id,
    passwordHash: null,
    refreshHash: hashOf(`refresh ${account.email}`),
    ttlDays: 90,
  });

describe('an account that nobody has proved', () => {
  test('lapses after its days and not before, with its messages left behind without a person', async () => {
    const [old, young] = [await accountOf(days + 1), await accountOf(days - 1)];
    const messageId = await send(db, old);
    await letTimePass(db, messageId, days * daySeconds);
    expect(await lapsePendingAccounts(db, days)).toBe(false);
    expect(await idsLeft()).toEqual([young.id]);
    const message = await db
      .selectFrom('messages')
      .selectAll()
      .where('id', '=', messageId)
      .executeTakeFirst();
    expect(message).toMatchObject({ status: 'sent', account_id: null });
  });

  test('is told of once, by its id alone', async () => {
    const account = await accountOf(days + 1);
    await lapsePendingAccounts(db, days);
    await lapsePendingAccounts(db, days);
    await numberEvents(db, 100);
    const events = await listOutgoingEvents(db, {
      organizationId: defaultOrganizationId,
      after: '0',
      types: ['account.lapsed'],
      limit: 10,
    });
    expect(events).toEqual([
      expect.objectContaining({
        accountId: account.id,
        email: null,
        phone: null,
        accountStatus: null,
        channel: 'email',
      }),
    ]);
  });

  test('stays while it has a link that works, and lapses after that', async () => {
    const account = await accountOf(days + 1);
    const messageId = await send(db, account);
    await lapsePendingAccounts(db, days);
    expect(await idsLeft()).toEqual([account.id]);
    await letTimePass(db, messageId, daySeconds);
    await lapsePendingAccounts(db, days);
    expect(await idsLeft()).toEqual([]);
  });

  test('stays while a message to it waits, whether a worker has looked at it or not', async () => {
    const [waiting, deferred] = [await accountOf(days + 1), await accountOf(days + 1)];
    // The subject as it is derived in earnest: it is how a message without an account is found.

    const [subjectKey = Buffer.alloc(0)] = subjectKeysOf([hashOf(waiting.email)], ['signup']);
    await accept(db, waiting.email, { subjectKey });
    const claimed = await claim(db, await accept(db, deferred.email));
    await recordMessages(db, [recordOf(claimed, { status: 'deferred', result: null })]);
    await lapsePendingAccounts(db, days);
    expect(await idsLeft()).toEqual([waiting.id, deferred.id].toSorted());
  });

  test('stays while somebody is signed in', async () => {
    const account = await accountOf(days + 1);
    await signIn(account);
    await lapsePendingAccounts(db, days);
    expect(await idsLeft()).toEqual([account.id]);
  });
});

test.each(['active', 'suspended', 'past_due'] as const)(
  'an account that is %s never lapses',
  async (status) => {
    const account = await accountOf(1000, status);
    await lapsePendingAccounts(db, days);
    expect(await idsLeft()).toEqual([account.id]);
  },
);

test('a pending account with a proved number, or one that proved its address, never lapses', async () => {
  const [byPhone, byMail] = [await accountOf(1000), await accountOf(1000)];
  await db
    .updateTable('accounts')
    .set({ phone_verified_at: new Date() })
    .where('id', '=', byPhone.id)
    .execute();
  expect((await confirm(db, tokenHashOf(await send(db, byMail)))).state).toBe('live');
  await lapsePendingAccounts(db, days);
  expect(await idsLeft()).toEqual([byPhone.id, byMail.id].toSorted());
});

test('an account whose person signs in at the same moment stays with the session', async () => {
  const account = await accountOf(days + 1);
  const [signedIn] = await meetAt(
    db,
    { table: 'accounts', id: account.id },
    () => signIn(account),
    // Stands in no line: an account that somebody holds is left for the next round.
    async () => {
      await lapsePendingAccounts(db, days);
      return sql`SELECT FROM accounts WHERE id = ${account.id} FOR UPDATE`.execute(db);
    },
  );
  expect(signedIn).toMatchObject({ status: 'fulfilled', value: { accountId: account.id } });
  expect(await idsLeft()).toEqual([account.id]);
});

test('one call deletes a small batch and says that there may be more; two workers share the work', async () => {
  await sql`
    INSERT INTO accounts (id, organization_id, email, email_key, created_at)
    SELECT gen_random_uuid(), ${defaultOrganizationId}::uuid, n || '@example.com', sha256(n::text::bytea), now() - interval '60 days'
      FROM generate_series(1, 101) n`.execute(db);
  expect(await lapsePendingAccounts(db, days)).toBe(true);
  expect(await idsLeft()).toHaveLength(1);
  await Promise.all([lapsePendingAccounts(db, days), lapsePendingAccounts(db, days)]);
  expect(await idsLeft()).toHaveLength(0);
  const { rows } = await sql<{ told: number }>`SELECT count(*)::int AS told FROM outgoing_events`.execute(db);
  expect(rows).toEqual([{ told: 101 }]);
});

test('beside 20,000 accounts with sessions it goes by indexes and reads no table from end to end', async () => {
  await sql`
    INSERT INTO accounts (id, organization_id, email, email_key, status, created_at)
    SELECT gen_random_uuid(), ${defaultOrganizationId}::uuid, n || '@example.com', sha256(n::text::bytea),
           CASE WHEN n <= 200 THEN 'pending' ELSE 'active' END, now() - interval '60 days'
      FROM generate_series(1, 20000) n`.execute(db);
  await sql`
    INSERT INTO sessions (id, account_id, expires_at)
    SELECT gen_random_uuid(), id, now() + interval '30 days' FROM accounts`.execute(db);
  await sql`ANALYZE accounts, sessions`.execute(db);
  const plan = await explain(db, (on) => findUnproved(on, days));
  expect(plan).toContain('accounts_unproved');
  expect(plan).not.toMatch(/Seq Scan on (accounts|sessions)/);
});
