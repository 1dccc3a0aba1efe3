import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { beginAttempts, claimMessages } from '../src/claims.ts';
import { giveBackMessages, recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import {
  begin,
  claim,
  leaseSeconds,
  recordOf,
  send,
  startOf,
  startSending,
  tokenHashOf,
  ttlSeconds,
  credentialOf,
} from './support/delivery.ts';
import {
  accept,
  accountRow,
  createAccount,
  letTimePass,
  messageRow,
  verificationRow,
} from './support/rows.ts';

const db = await openTestDatabase();

const attemptsOf = (messageId: string) =>
  db.selectFrom('attempts').selectAll().where('message_id', '=', messageId).orderBy('number').execute();

/** Resolves when a statement of this database waits for a row that another transaction holds. */
const waitingForLock = async (): Promise<void> => {
  await expect
    .poll(async () => {
      const { rows } = await sql<{ waiting: number }>`
        SELECT count(*)::int AS waiting FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db);
      return rows[0]?.waiting;
    })
    .toBe(1);
};

describe('the begin of an attempt', () => {
  test('is written before anything is sent: attempt, token hash, lifetime and account', async () => {
    const account = await createAccount(db);
    const claimed = await startSending(db, account);
    expect(await attemptsOf(claimed.id)).toMatchObject([
      { number: 1, provider: 'smtp', worker: 'test-worker', result: null },
    ]);
    expect(await messageRow(db, claimed.id)).toMatchObject({
      status: 'sending',
      account_id: account.id,
      provider: 'smtp',
    });
    expect(await verificationRow(db, claimed.id)).toMatchObject({
      token_hash: tokenHashOf(claimed.id),
      ttl_seconds: ttlSeconds,
      consumed_at: null,
    });
  });

  test('keeps the token of the first attempt, whatever a later one brings', async () => {
    const account = await createAccount(db);
    const first = await startSending(db, account);
    const { nonce } = await verificationRow(db, first.id);
    await recordMessages(db, [recordOf(first, { status: 'deferred', result: 'transient' })]);
    const second = await claim(db, first.id);
    await begin(db, second, account.id);
    expect(await verificationRow(db, first.id)).toMatchObject({ nonce, token_hash: tokenHashOf(first.id) });
    expect((await attemptsOf(first.id)).map((a) => [a.number, a.result])).toEqual([
      [1, 'transient'],
      [2, null],
    ]);
  });

  test('with a token that is not the stored one is refused, and the stored one stays', async () => {
    const account = await createAccount(db);
    const first = await startSending(db, account);
    await recordMessages(db, [recordOf(first, { status: 'deferred', result: 'transient' })]);
    const second = await claim(db, first.id);
    const [begun] = await beginAttempts(db, [
      {
        ...startOf(second, account.id),
        credential: { ...credentialOf(second.id), tokenHash: tokenHashOf('another key’s token') },
      },
    ]);
    expect(begun).toBe(false);
    expect((await verificationRow(db, first.id)).token_hash).toEqual(tokenHashOf(first.id));
  });

  test('waits for a claim that is about to move the fence, and is then refused', async () => {
    const account = await createAccount(db);
    const stale = await claim(db, await accept(db, account.email));
    await letTimePass(db, stale.id, leaseSeconds + 1);
    const claimedByOther = Promise.withResolvers<void>();
    const mayCommit = Promise.withResolvers<void>();
    const other = db.transaction().execute(async (tx) => {
      const [claimed] = await claimMessages(tx, [stale.id], leaseSeconds);
      claimedByOther.resolve();
      await mayCommit.promise;
      return claimed;
    });
    await claimedByOther.promise;
    const begun = begin(db, stale, account.id);
    await waitingForLock();
    mayCommit.resolve();
    expect((await other)?.attempt).toBe(2);
    expect(await begun).toBe(false);
    expect(await attemptsOf(stale.id)).toEqual([]);
    expect(await begin(db, { id: stale.id, attempt: 2 }, account.id)).toBe(true);
  });

  test('makes the token and no attempt for the provider none', async () => {
    const account = await createAccount(db);
    const claimed = await claim(db, await accept(db, account.email));
    expect(await begin(db, claimed, account.id, 'none')).toBe(true);
    expect(await attemptsOf(claimed.id)).toEqual([]);
    expect((await verificationRow(db, claimed.id)).token_hash).toEqual(tokenHashOf(claimed.id));
  });

  test('makes the account’s status speak of this message: what became of an older one is forgotten', async () => {
    const account = await createAccount(db);
    await send(db, account);
    expect((await accountRow(db, account.id)).verification_email_status).toBe('SENT');
    const newer = await startSending(db, account);
    expect(await accountRow(db, account.id)).toMatchObject({
      verification_email_status: null,
      verification_message_seq: (await messageRow(db, newer.id)).seq,
    });
  });

  test('of an older message leaves the account’s status with the newer one', async () => {
    const account = await createAccount(db);
    const older = await claim(db, await accept(db, account.email));
    const newer = await send(db, account);
    await begin(db, older, account.id);
    expect(await accountRow(db, account.id)).toMatchObject({
      verification_email_status: 'SENT',
      verification_message_seq: (await messageRow(db, newer)).seq,
    });
  });

  test('keeps the redirect URL that came with the request, and an earlier one when none came', async () => {
    const account = await createAccount(db);
    const redirectUrl = 'https://app.example/welcome';
    const first = await claim(db, await accept(db, account.email, { redirectUrl }));
    await begin(db, first, account.id);
    expect((await accountRow(db, account.id)).redirect_url).toBe(redirectUrl);
    await startSending(db, account);
    expect((await accountRow(db, account.id)).redirect_url).toBe(redirectUrl);
  });

  test('of many messages is answered one by one, in order', async () => {
    const account = await createAccount(db);
    const claimed = await claim(db, await accept(db, account.email));
    const begun = await beginAttempts(db, [
      startOf({ id: claimed.id, attempt: claimed.attempt + 1 }, account.id),
      startOf(claimed, account.id),
    ]);
    expect(begun).toEqual([false, true]);
  });
});

describe('giving a message back', () => {
  test('makes it due at once and costs it nothing', async () => {
    const claimed = await startSending(db, await createAccount(db));
    await giveBackMessages(db, [claimed]);
    expect(await messageRow(db, claimed.id)).toMatchObject({
      status: 'deferred',
      lease_until: null,
      failures: 0,
      lost_leases: 0,
    });
    expect((await attemptsOf(claimed.id))[0]?.result).toBe('given_back');
    expect(await claim(db, claimed.id)).toMatchObject({ attempt: 2, failures: 0, lostLeases: 0 });
  });

  test('is ignored from a holder whose fence has moved on', async () => {
    const stale = await startSending(db, await createAccount(db));
    await letTimePass(db, stale.id, 3600);
    const current = await claim(db, stale.id);
    await giveBackMessages(db, [stale]);
    expect(await messageRow(db, stale.id)).toMatchObject({ status: 'sending', attempt: current.attempt });
  });
});
