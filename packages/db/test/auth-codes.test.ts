import { expect, test } from 'vitest';
import { createAuthCode, exchangeAuthCode } from '../src/auth-codes.ts';
import { forgetExpired } from '../src/retention.ts';
import { openTestDatabase } from './support/database.ts';
import { createAccount, hashOf, newId } from './support/rows.ts';

const db = await openTestDatabase(20);
const challenge = 'c'.repeat(43);

const made = async () => {
  const account = await createAccount(db);
  const codeHash = hashOf(newId());
  await createAuthCode(db, { codeHash, accountId: account.id, challenge, ttlSeconds: 300 });
  return { account, codeHash };
};

test('exchanged by 20 at once gives the account to one of them', async () => {
  const { account, codeHash } = await made();
  const all = await Promise.all(Array.from({ length: 20 }, () => exchangeAuthCode(db, codeHash, challenge)));
  expect(all.filter(({ kind }) => kind === 'exchanged')).toEqual([
    { kind: 'exchanged', accountId: account.id },
  ]);
  expect(all.filter(({ kind }) => kind === 'unknown')).toHaveLength(19);
});

test('a wrong verifier gets nothing and uses nothing up', async () => {
  const { codeHash } = await made();
  expect(await exchangeAuthCode(db, codeHash, 'd'.repeat(43))).toEqual({ kind: 'wrong_verifier' });
  expect((await exchangeAuthCode(db, codeHash, challenge)).kind).toBe('exchanged');
});

test('past its time it is expired, an hour later it is gone; unknown ones are unknown', async () => {
  const { codeHash } = await made();
  const setExpiry = (at: Date) =>
    db.updateTable('auth_codes').set({ expires_at: at }).where('code_hash', '=', codeHash).execute();
  await setExpiry(new Date(Date.now() - 1000));
  expect(await exchangeAuthCode(db, codeHash, challenge)).toEqual({ kind: 'expired' });
  await forgetExpired.authCodes(db, 30);
  expect(await exchangeAuthCode(db, codeHash, challenge)).toEqual({ kind: 'expired' });
  await setExpiry(new Date(Date.now() - 3_700_000));
  await forgetExpired.authCodes(db, 30);
  expect(await exchangeAuthCode(db, codeHash, challenge)).toEqual({ kind: 'unknown' });
  expect(await exchangeAuthCode(db, hashOf('never made'), challenge)).toEqual({ kind: 'unknown' });
});
