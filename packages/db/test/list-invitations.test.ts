import { listedInvitationState, listedInvitationStates } from '@reconfirm/core/invitation';
import { messageRanks, isSettled, type MessageStatus } from '@reconfirm/core/message';
import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { listInvitations } from '../src/list-invitations.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { openTestDatabase } from './support/database.ts';
import { tokenHashOf } from './support/delivery.ts';
import { explain } from './support/explain.ts';
import { accept, createAccount, newId } from './support/rows.ts';

const db = await openTestDatabase();

beforeEach(async () => {
  await sql`TRUNCATE accounts, messages CASCADE`.execute(db);
});

const list = (page: Partial<Parameters<typeof listInvitations>[2]> = {}) =>
  listInvitations(db, defaultOrganizationId, { afterId: null, limit: 1000, states: [], ...page });

interface Given {
  readonly account?: Parameters<typeof createAccount>[1];
  readonly verified?: boolean;
  readonly revoked?: boolean;
  /** Undefined: retention has forgotten the message. */
  readonly status?: MessageStatus;
  /** Undefined: no token was made. */
  readonly expired?: boolean;
}

/** An invitation that stands as given; resolves with its account's id. */
const invite = async (given: Given): Promise<string> => {
  const account = await createAccount(db, given.account);
  if (given.verified === true)
    await db.updateTable('accounts').set({ verified_at: new Date() }).where('id', '=', account.id).execute();
  const messageId = given.status === undefined ? newId() : await accept(db, account.email);
  await db
    .insertInto('invitations')
    .values({
      account_id: account.id,
      message_id: messageId,
      invited_by: 'operator',
      revoked_at: given.revoked === true ? new Date() : null,
    })
    .execute();
  if (given.status === undefined) return account.id;
  await db
    .updateTable('messages')
    .set({ status: given.status, settled_at: isSettled(given.status) ? new Date() : null })
    .where('id', '=', messageId)
    .execute();
  if (given.expired === undefined) return account.id;
  await db
    .insertInto('verifications')
    .values({
      message_id: messageId,
      account_id: account.id,
      token_hash: tokenHashOf(messageId),
      key_version: 1,
      ttl_seconds: 60,
      expires_at: new Date(Date.now() + (given.expired ? -60_000 : 60_000)),
    })
    .execute();
  return account.id;
};

const booleans = [true, false];
const statuses = [undefined, ...(Object.keys(messageRanks) as MessageStatus[])];

describe('a list of invitations', () => {
  test(
    'finds by each state what the core says stands so, for every combination of facts',
    { timeout: 60_000 },
    async () => {
      for (const account of ['pending', 'active', 'suspended'] as const)
        for (const verified of booleans)
          for (const revoked of booleans)
            for (const status of statuses)
              for (const expired of [undefined, ...booleans])
                await invite({
                  account,
                  verified,
                  revoked,
                  ...(status !== undefined && { status }),
                  ...(expired !== undefined && { expired }),
                });
      const all = await list();
      expect(all).toHaveLength(3 * 2 * 2 * 11 * 3);
      for (const state of listedInvitationStates) {
        const expected = all.filter((row) => listedInvitationState(row) === state);
        expect(expected.length, state).toBeGreaterThan(0);
        expect(await list({ states: [state] }), state).toEqual(expected);
      }
      expect(await list({ states: listedInvitationStates })).toEqual(all);
    },
  );

  test('comes in pages that leave nobody out and show nobody twice', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.push(await invite({ status: i % 2 === 0 ? 'bounced' : 'sent' }));
    const seen: string[] = [];
    for (let afterId: string | null = null; ; afterId = seen.at(-1) ?? null) {
      const page = await list({ afterId, limit: 2 });
      seen.push(...page.map((row) => row.accountId));
      if (page.length < 2) break;
    }
    expect(seen).toEqual(ids.toSorted());
    const [first] = await list({ states: ['BOUNCED'], limit: 1 });
    expect(await list({ states: ['BOUNCED'], afterId: first?.accountId ?? null })).toHaveLength(2);
  });

  test('shows no invitation of another organization, and no user who came without one', async () => {
    await createAccount(db);
    await invite({ status: 'sent' });
    expect(await list()).toHaveLength(1);
    expect(await listInvitations(db, newId(), { afterId: null, limit: 10, states: [] })).toEqual([]);
  });

  test('of one page reads no table from end to end beside 20,000 users', async () => {
    await sql`
      INSERT INTO accounts (id, organization_id, email, email_key)
      SELECT gen_random_uuid(), ${defaultOrganizationId}::uuid, n || '@example.com', sha256(n::text::bytea)
        FROM generate_series(1, 20000) n`.execute(db);
    await sql`
      INSERT INTO invitations (account_id, message_id, invited_by)
      SELECT id, gen_random_uuid(), 'operator' FROM accounts`.execute(db);
    await sql`ANALYZE accounts, invitations`.execute(db);
    const plan = await explain(db, (on) =>
      listInvitations(on, defaultOrganizationId, { afterId: newId(), limit: 50, states: [] }),
    );
    expect(plan).not.toMatch(/Seq Scan on (accounts|invitations)/);
  });
});
