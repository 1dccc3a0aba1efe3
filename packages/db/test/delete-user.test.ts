import { derivedHash } from '@reconfirm/core/keyed-hash';
import { expect, test } from 'vitest';
import { defaultOrganizationId } from '../src/schema.ts';
import { deleteUser } from '../src/users.ts';
import { openTestDatabase } from './support/database.ts';
import { accept, accountRow, createAccount, hashOf, messageRow } from './support/rows.ts';

const db = await openTestDatabase();

test('a user goes although a message waits whose content is kept: it is settled, and its content forgotten', async () => {
  const account = await createAccount(db);
  const { email_key: emailKey } = await accountRow(db, account.id);
  if (emailKey === null) throw new Error('the account has an address');
  const id = await accept(db, account.email, {
    purpose: 'relayed',
    subjectKey: derivedHash('subject:relayed', emailKey),
    sealed: Buffer.concat([hashOf('what another'), hashOf('system wrote')]),
  });
  expect(await deleteUser(db, defaultOrganizationId, account.id)).toBe('deleted');
  expect(await messageRow(db, id)).toMatchObject({
    status: 'skipped',
    reason: 'account_deleted',
    sealed: null,
  });
});
