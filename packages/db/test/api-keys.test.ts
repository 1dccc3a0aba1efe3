import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { findAccountByApiKey } from '../src/accounts.ts';
import {
  createOrganizationKey,
  findOrganizationKey,
  listOrganizationKeys,
  type NewOrganizationKey,
  revokeOrganizationKey,
} from '../src/api-keys.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { openTestDatabase } from './support/database.ts';
import { createAccount, newId } from './support/rows.ts';

const db = await openTestDatabase();

const newKey = (changes: Partial<NewOrganizationKey> = {}): NewOrganizationKey => ({
  id: newId(),
  organizationId: defaultOrganizationId,
  name: 'shop',
  scopes: ['messages:send', 'events:read'],
  secretHash: randomBytes(32),
  lastFour: 'abcd',
  ...changes,
});

const tenantKey = async () => {
  const key = { id: newId(), account_id: (await createAccount(db)).id, secret_hash: randomBytes(32) };
  await db.insertInto('api_keys').values(key).execute();
  return key;
};

test('a key is found by id and hash together, with its organization and scopes', async () => {
  const key = newKey();
  await createOrganizationKey(db, key);
  expect(await findOrganizationKey(db, key.id, key.secretHash)).toMatchObject({
    id: key.id,
    organizationId: defaultOrganizationId,
    scopes: ['messages:send', 'events:read'],
  });
  expect(await findOrganizationKey(db, key.id, randomBytes(32))).toBeUndefined();
  expect(await findOrganizationKey(db, newId(), key.secretHash)).toBeUndefined();
});

test('a revoked key is found no more, stays in the list, and keeps the time of its revocation', async () => {
  const key = newKey();
  await createOrganizationKey(db, key);
  const first = await revokeOrganizationKey(db, key.id);
  expect(first?.revokedAt).toBeInstanceOf(Date);
  expect(await revokeOrganizationKey(db, key.id)).toEqual(first);
  expect(await findOrganizationKey(db, key.id, key.secretHash)).toBeUndefined();
  expect((await listOrganizationKeys(db, defaultOrganizationId)).find(({ id }) => id === key.id)).toEqual(
    first,
  );
});

test('a list holds the keys of one organization, newest first, and no tenant’s', async () => {
  const organizationId = newId();
  await db.insertInto('organizations').values({ id: organizationId, name: 'other' }).execute();
  await tenantKey();
  const ids = [newId(), newId()];
  for (const id of ids) await createOrganizationKey(db, newKey({ id, organizationId }));
  await createOrganizationKey(db, newKey());
  const listed = await listOrganizationKeys(db, organizationId);
  // Two ids of one millisecond have no order in time; the list's order is that of the ids.
  expect(listed.map(({ id }) => id)).toEqual(ids.toSorted().toReversed());
});

test('an organization that does not exist gets no key', async () => {
  expect(await createOrganizationKey(db, newKey({ organizationId: newId() }))).toBeUndefined();
});

test('the key of a tenant speaks for its tenant and for no organization, and the other way round', async () => {
  const tenant = await tenantKey();
  expect(await findOrganizationKey(db, tenant.id, tenant.secret_hash)).toBeUndefined();
  expect(await revokeOrganizationKey(db, tenant.id)).toBeUndefined();
  expect(await findAccountByApiKey(db, tenant.id, tenant.secret_hash)).toMatchObject({
    id: tenant.account_id,
  });
  const key = newKey();
  await createOrganizationKey(db, key);
  expect(await findAccountByApiKey(db, key.id, key.secretHash)).toBeUndefined();
});
