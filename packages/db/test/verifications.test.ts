import { describe, expect, test } from 'vitest';
import { acceptMessages } from '../src/accept-messages.ts';
import { changeAccountStatus } from '../src/accounts.ts';
import { readToken, type TokenState } from '../src/token-state.ts';
import { openTestDatabase } from './support/database.ts';
import { byLink, confirm, send, tokenHashOf, ttlSeconds } from './support/delivery.ts';
import {
  accept,
  accountRow,
  createAccount,
  eventTypes,
  hashOf,
  letTimePass,
  requestFor,
  verificationRow,
} from './support/rows.ts';

const db = await openTestDatabase(20);

/** An account with a message that was sent, and what its link brings back. */
const withToken = async (status: 'pending' | 'past_due' = 'pending') => {
  const account = await createAccount(db, status);
  const messageId = await send(db, account);
  return { account, messageId, hash: tokenHashOf(messageId) };
};

/** Both ways to ask, which must agree; consuming must have changed nothing. */
const expectRefused = async (hash: Buffer, accountId: string, state: TokenState): Promise<void> => {
  expect((await readToken(db, byLink(hash))).state).toBe(state);
  expect((await confirm(db, hash)).state).toBe(state);
  expect((await accountRow(db, accountId)).verified_at).toBeNull();
  expect(await eventTypes(db, accountId)).not.toContain('EMAIL_VERIFIED');
};

describe('a live token', () => {
  test('consumed 20 times at once changes the account once, and everybody is told of success', async () => {
    const { account, hash } = await withToken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => confirm(db, hash)));
    expect(answers.filter((a) => a.state === 'live')).toHaveLength(1);
    expect(answers.filter((a) => a.state === 'consumed')).toHaveLength(19);
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ email: account.email })));
    expect(await accountRow(db, account.id)).toMatchObject({
      status: 'active',
      verified_at: expect.any(Date),
    });
    expect((await eventTypes(db, account.id)).filter((type) => type === 'EMAIL_VERIFIED')).toHaveLength(1);
  });

  test('may be read any number of times and stays live', async () => {
    const { account, messageId, hash } = await withToken();
    for (let i = 0; i < 3; i += 1)
      expect(await readToken(db, byLink(hash))).toMatchObject({
        state: 'live',
        email: account.email,
        messageId,
        purpose: 'signup',
      });
    expect((await verificationRow(db, messageId)).consumed_at).toBeNull();
  });

  test('proves the address of an account that owes money, and does not pay for it', async () => {
    const { account, hash } = await withToken('past_due');
    expect((await confirm(db, hash)).state).toBe('live');
    expect((await accountRow(db, account.id)).status).toBe('past_due');
  });
});

describe('a token is refused', () => {
  test('at once when a newer message was accepted, although that one was never sent', async () => {
    const { account, hash } = await withToken();
    await accept(db, account.email);
    await expectRefused(hash, account.id, 'superseded');
  });

  test('when the newer message came in the same batch', async () => {
    const account = await createAccount(db);
    const [older, newer] = [requestFor(account.email), requestFor(account.email)];
    await acceptMessages(db, [older, newer]);
    await db
      .insertInto('verifications')
      .values(
        [older, newer].map(({ id }) => ({
          message_id: id,
          account_id: account.id,
          token_hash: tokenHashOf(id),
          key_version: 1,
          ttl_seconds: ttlSeconds,
          expires_at: new Date(Date.now() + ttlSeconds * 1000),
        })),
      )
      .execute();
    await expectRefused(tokenHashOf(older.id), account.id, 'superseded');
    expect((await confirm(db, tokenHashOf(newer.id))).state).toBe('live');
  });

  test('when it has expired', async () => {
    const { account, messageId, hash } = await withToken();
    await letTimePass(db, messageId, ttlSeconds + 1);
    await expectRefused(hash, account.id, 'expired');
  });

  test('while its account is suspended', async () => {
    const { account, hash } = await withToken();
    await changeAccountStatus(db, account.id, 'suspended');
    await expectRefused(hash, account.id, 'suspended');
  });

  test('when nobody made it', async () => {
    expect(await confirm(db, hashOf('made up'))).toEqual({ state: 'unknown' });
  });
});

describe('a token that was used', () => {
  test('answers that it was used within its lifetime, also after a newer message, and then that it expired', async () => {
    const { account, messageId, hash } = await withToken();
    await confirm(db, hash);
    await accept(db, account.email);
    expect((await confirm(db, hash)).state).toBe('consumed');
    await letTimePass(db, messageId, ttlSeconds + 1);
    expect((await confirm(db, hash)).state).toBe('expired');
  });
});

test('a message for another subject ends nothing', async () => {
  const { account, hash } = await withToken();
  await accept(db, account.email, { subjectKey: hashOf(`another purpose ${account.email}`) });
  expect((await confirm(db, hash)).state).toBe('live');
});
