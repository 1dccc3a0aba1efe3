import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { MessageRequest } from '../src/accept-messages.ts';
import { registerAccount } from '../src/accounts.ts';
import { chargedTransaction } from '../src/charged-transaction.ts';
import { requestContactChange } from '../src/contact-changes.ts';
import { inviteUser, renewInvitation } from '../src/invitations.ts';
import { beginLimitMemory } from '../src/limit-charges.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { acceptSignUp } from '../src/sign-ups.ts';
import { openTestDatabase } from './support/database.ts';
import { createAccount, hashOf, newEmail, newId, requestFor } from './support/rows.ts';

const db = await openTestDatabase(5);

const [forgotten, current] = [1_700_000_000_000, 1_700_000_000_001];

/** Writes a message for this address with what it belongs to. */
type Write = (email: string, message: MessageRequest) => Promise<unknown>;

const organizationId = defaultOrganizationId;
const addressOf = (email: string) => ({ email, emailKey: hashOf(email) });
const person = { organizationId, name: null, locale: null };
const user = (email: string) => ({ id: newId(), ...person, ...addressOf(email), isAdmin: false });

const invite: Write = (email, message) => inviteUser(db, user(email), { message, by: 'us', seats: null });

const writers: Readonly<Record<string, Write>> = {
  'a registration': (email, message) => {
    const account = { id: newId(), ...person, ...addressOf(email), redirectUrl: null };
    return registerAccount(db, account, { id: newId(), secretHash: hashOf(email) }, message);
  },
  'a sign-up': (email, message) => {
    const destination = { channel: 'email', address: email, lookupForm: email, limitForm: email } as const;
    const asked = {
      id: newId(),
      organizationId,
      destination,
      addressKey: hashOf(email),
      locale: null,
      metadata: {},
    };
    return acceptSignUp(db, asked, message, 'hash');
  },
  'an invitation': invite,
  'another invitation': async (email, message) => {
    const first = requestFor(email);
    const invited = await invite(email, first);
    expect(invited).toMatchObject({ kind: 'invited' });
    const { id } = await db
      .selectFrom('accounts')
      .select('id')
      .where('email_key', '=', hashOf(email))
      .executeTakeFirstOrThrow();
    return renewInvitation(db, { organizationId, accountId: id, by: 'us' }, message);
  },
  'a change of address': async (email, message) => {
    const { id: accountId } = await createAccount(db, 'active');
    const change = { id: newId(), organizationId, accountId, mode: 'new_only', ttlSeconds: 60 } as const;
    const to = { channel: 'email', newAddress: email, newKey: hashOf(email) } as const;
    return requestContactChange(db, { ...change, ...to }, [message]);
  },
};

describe('what was charged under a memory', () => {
  test.each(Object.entries(writers))(
    '%s is written under the one that counts, and under another is not, nor is what comes with it',
    async (_, write) => {
      await beginLimitMemory(db, forgotten, 3);
      await beginLimitMemory(db, current, 3);
      const countRows = async () => {
        const { rows } = await sql<Record<string, number>>`
          SELECT (SELECT count(*)::int FROM accounts) AS accounts, (SELECT count(*)::int FROM messages) AS messages,
                 (SELECT count(*)::int FROM api_keys) AS api_keys, (SELECT count(*)::int FROM invitations) AS invitations,
                 (SELECT count(*)::int FROM contact_changes) AS contact_changes,
                 (SELECT count(*)::int FROM signup_passwords) AS signup_passwords`.execute(db);
        return rows[0];
      };
      const messageOf = async (id: string) =>
        db.selectFrom('messages').select('id').where('id', '=', id).executeTakeFirst();

      const email = newEmail();
      const late = requestFor(email, { limitMemory: forgotten });
      const before = await countRows();
      expect(await write(email, late)).toBe('charge_forgotten');
      expect(await messageOf(late.id)).toBeUndefined();
      // Only what the writer prepared: an account, or an account with its first invitation.
      const after = await countRows();
      expect((after?.['messages'] ?? 0) - (before?.['messages'] ?? 0)).toBeLessThanOrEqual(1);
      expect(after?.['contact_changes']).toBe(before?.['contact_changes']);
      expect(after?.['signup_passwords']).toBe(before?.['signup_passwords']);

      const other = newEmail();
      const inTime = requestFor(other, { limitMemory: current });
      expect(await write(other, inTime)).not.toBe('charge_forgotten');
      expect(await messageOf(inTime.id)).toEqual({ id: inTime.id });
      const inRows = requestFor(newEmail());
      expect(await write(newEmail(), inRows)).not.toBe('charge_forgotten');
      expect(await messageOf(inRows.id)).toEqual({ id: inRows.id });
    },
  );

  test('keeps the next memory from beginning until it is committed', async () => {
    await beginLimitMemory(db, current, 3);
    const order: string[] = [];
    const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
    const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
    const written = chargedTransaction(db, current, async () => {
      asked();
      await mayCommit;
      order.push('written');
    });
    await isAsked;
    const begun = beginLimitMemory(db, current + 1, 3).then(() => order.push('begun'));
    await expect
      .poll(async () => {
        const { rows } = await sql<{ count: number }>`
          SELECT count(*)::int FROM pg_locks WHERE NOT granted AND (classid, objid) = (18, 1)
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(db);
        return rows[0]?.count;
      })
      .toBe(1);
    commit();
    await Promise.all([written, begun]);
    expect(order).toEqual(['written', 'begun']);
  });
});
