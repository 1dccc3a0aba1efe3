import { describe, expect, test } from 'vitest';
import { acceptMessages } from '../src/accept-messages.ts';
import { claimMessages, renewLeases } from '../src/claims.ts';
import { reclaimExpiredLeases } from '../src/due-messages.ts';
import { recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { begin, claim, leaseSeconds, recordOf, startSending, tokenHashOf } from './support/delivery.ts';
import {
  accept,
  createAccount,
  hashOf,
  letTimePass,
  messageRow,
  newEmail,
  newId,
  requestFor,
} from './support/rows.ts';

const db = await openTestDatabase(20);

describe('a claim', () => {
  test('of one message by 20 workers at once succeeds for one of them', async () => {
    const id = await accept(db, newEmail());
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimMessages(db, [id], leaseSeconds)));
    expect(claims.flat().filter((claimed) => claimed !== null)).toHaveLength(1);
    expect(await messageRow(db, id)).toMatchObject({ status: 'sending', attempt: 1, lost_leases: 0 });
  });

  test('answers in the order of the ids, and null where nothing is to do', async () => {
    const account = await createAccount(db);
    const [free, later, held, settled] = await Promise.all([1, 2, 3, 4].map(() => accept(db, newEmail())));
    if (free === undefined || later === undefined || held === undefined || settled === undefined)
      throw new Error('four');
    await letTimePass(db, later, -30);
    await claim(db, held);
    await recordMessages(db, [recordOf(await claim(db, settled), { status: 'skipped', result: null })]);
    const mine = await accept(db, account.email);
    const claims = await claimMessages(db, [settled, mine, later, newId(), held, free], leaseSeconds);
    expect(claims.map((c) => c?.id ?? null)).toEqual([null, mine, null, null, null, free]);
    expect(claims[1]?.account).toMatchObject({ id: account.id, email: account.email, status: 'pending' });
    expect(claims[5]?.account).toBeNull();
  });

  test('of a message whose id stands twice in one batch gives it out once', async () => {
    const [twice, other] = [await accept(db, newEmail()), await accept(db, newEmail())];
    const claims = await claimMessages(db, [twice, other, twice], leaseSeconds);
    expect(claims.map((claimed) => claimed?.id ?? null)).toEqual([twice, other, null]);
    expect(await messageRow(db, twice)).toMatchObject({ attempt: 1, lost_leases: 0 });
  });

  test('brings the request as it was made, and its age by the clock of the database', async () => {
    const id = await accept(db, newEmail(), { locale: 'es', redirectUrl: 'https://app.example/' });
    await letTimePass(db, id, 90);
    const claimed = await claim(db, id);
    expect(claimed).toMatchObject({
      attempt: 1,
      purpose: 'signup',
      locale: 'es',
      redirectUrl: 'https://app.example/',
      failures: 0,
      token: null,
    });
    expect(claimed.ageSeconds).toBeGreaterThanOrEqual(90);
    expect(claimed.ageSeconds).toBeLessThan(120);
  });

  test('says when a newer request of the same subject was accepted, and only then', async () => {
    const email = newEmail();
    const [older, newer] = [requestFor(email), requestFor(email)];
    // Another organisation's or purpose's request for the address is another subject.
    const foreign = requestFor(email, { subjectKey: hashOf('another purpose') });
    await acceptMessages(db, [older, newer, foreign]);
    const claims = await claimMessages(db, [older.id, newer.id, foreign.id], leaseSeconds);
    expect(claims.map((c) => c?.newerMessages)).toEqual([1, 0, 0]);
  });

  test('of a message that was tried before brings what its token is derived from', async () => {
    const account = await createAccount(db);
    const first = await startSending(db, account);
    await recordMessages(db, [recordOf(first, { status: 'deferred', result: 'transient' })]);
    const second = await claim(db, first.id);
    expect(second).toMatchObject({ attempt: 2, token: { keyVersion: 1, hash: tokenHashOf(first.id) } });
    expect(second.token?.nonce).toHaveLength(16);
  });
});

describe('a lease', () => {
  test('that has run out makes the message claimable again, and the loss is counted', async () => {
    const id = await accept(db, newEmail());
    await claim(db, id);
    await letTimePass(db, id, leaseSeconds - 5);
    expect(await claimMessages(db, [id], leaseSeconds)).toEqual([null]);
    await letTimePass(db, id, 10);
    expect(await claim(db, id)).toMatchObject({ attempt: 2, lostLeases: 1 });
  });

  test('that is renewed keeps the message', async () => {
    const id = await accept(db, newEmail());
    const held = await claim(db, id);
    await letTimePass(db, id, leaseSeconds - 5);
    await renewLeases(db, [held], leaseSeconds);
    await letTimePass(db, id, 10);
    expect(await claimMessages(db, [id], leaseSeconds)).toEqual([null]);
  });

  test('is not renewed by a holder whose fence has moved on', async () => {
    const id = await accept(db, newEmail());
    const stale = await claim(db, id);
    await letTimePass(db, id, leaseSeconds + 1);
    expect(await reclaimExpiredLeases(db, 1000)).toBe(1);
    await renewLeases(db, [stale], leaseSeconds);
    expect((await messageRow(db, id)).lease_until).toBeNull();
  });
});

describe('the fence', () => {
  test('keeps a stale holder from beginning an attempt', async () => {
    const account = await createAccount(db);
    const id = await accept(db, account.email);
    const stale = await claim(db, id);
    await letTimePass(db, id, leaseSeconds + 1);
    const current = await claim(db, id);
    expect(await begin(db, stale, account.id)).toBe(false);
    expect(await begin(db, current, account.id)).toBe(true);
  });

  test('does not hold for a message that is nobody’s', async () => {
    const account = await createAccount(db);
    const id = await accept(db, account.email);
    expect(await begin(db, { id, attempt: 0 }, account.id)).toBe(false);
  });
});
