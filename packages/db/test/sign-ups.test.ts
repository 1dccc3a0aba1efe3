import { describe, expect, test } from 'vitest';
import { acceptInvitation, acceptSignUp, type AskedAccount } from '../src/sign-ups.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { claim, confirm, recordOf, startOf, tokenHashOf } from './support/delivery.ts';
import { beginAttempts } from '../src/claims.ts';
import { recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { accept, accountRow, hashOf, newEmail, newId, requestFor } from './support/rows.ts';

const db = await openTestDatabase(20);

const askedFor = (email: string): AskedAccount => ({
  id: newId(),
  organizationId: defaultOrganizationId,
  destination: { channel: 'email', address: email, lookupForm: email, limitForm: email },
  addressKey: hashOf(email),
  locale: null,
  metadata: { plan: 'free' },
});

const signUp = async (email: string, passwordHash: string | null) => {
  const account = askedFor(email);
  const message = requestFor(email, { contract: 'gotrue' });
  await acceptSignUp(db, account, message, passwordHash);
  return { accountId: account.id, messageId: message.id };
};

/** Sends a message and uses its link. */
const sendAndConfirm = async (messageId: string, accountId: string): Promise<void> => {
  const claimed = await claim(db, messageId);
  await beginAttempts(db, [startOf(claimed, accountId)]);
  await recordMessages(db, [recordOf(claimed)]);
  expect((await confirm(db, tokenHashOf(messageId))).state).toBe('live');
};

const passwordOf = async (accountId: string) => (await accountRow(db, accountId)).password_hash;
const waiting = (accountId: string) =>
  db.selectFrom('signup_passwords').selectAll().where('account_id', '=', accountId).execute();

describe('a sign-up', () => {
  test('asked for by 20 at once makes one account and accepts every message', async () => {
    const email = newEmail();
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => signUp(email, `hash ${i}`)));
    const rows = await db.selectFrom('accounts').selectAll().where('email', '=', email).execute();
    expect(rows).toHaveLength(1);
    expect(all.map(({ accountId }) => accountId)).toContain(rows[0]?.id);
    expect(rows[0]).toMatchObject({ metadata: { plan: 'free' }, password_hash: null });
    expect(await waiting(rows[0]?.id ?? '')).toHaveLength(20);
  });

  test('gives the account the password of the very message that proved it, and forgets the others', async () => {
    const email = newEmail();
    const { accountId } = await signUp(email, 'first');
    const second = await signUp(email, 'second');
    await sendAndConfirm(second.messageId, accountId);
    expect(await passwordOf(accountId)).toBe('second');
    expect(await waiting(accountId)).toEqual([]);
  });

  test('confirmed by a later mail gives the only password that was offered, and none of several', async () => {
    for (const [offered, expected] of [
      [['only'], 'only'],
      [['one', 'other'], null],
    ] as const) {
      const email = newEmail();
      const ids = [];
      for (const hash of offered) ids.push((await signUp(email, hash)).accountId);
      const accountId = ids[0] ?? '';
      await sendAndConfirm(await accept(db, email, { contract: 'gotrue' }), accountId);
      expect([offered, await passwordOf(accountId)]).toEqual([offered, expected]);
    }
  });

  test('of a proved account leaves no password behind', async () => {
    const email = newEmail();
    const { accountId, messageId } = await signUp(email, 'own');
    await sendAndConfirm(messageId, accountId);
    const stranger = await signUp(email, 'stranger');
    expect(await waiting(accountId)).toEqual([]);
    expect(await passwordOf(accountId)).toBe('own');
    expect(stranger.accountId).not.toBe(accountId);
  });
});

describe('an invitation', () => {
  test('makes the account once, finds it again, and stops where the address is proved', async () => {
    const email = newEmail();
    const invite = () =>
      acceptInvitation(db, askedFor(email), requestFor(email, { purpose: 'invitation' }), 'operator');
    const [first, second] = [await invite(), await invite()];
    expect(second).toEqual(first);
    const accountId = first.kind === 'invited' ? first.accountId : '';
    await db.updateTable('accounts').set({ verified_at: new Date() }).where('id', '=', accountId).execute();
    expect(await invite()).toEqual({ kind: 'already_verified' });
  });
});
