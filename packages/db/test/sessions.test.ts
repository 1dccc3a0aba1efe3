import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { rotateRefreshToken, type RotationOutcome } from '../src/refresh-tokens.ts';
import { forgetExpired } from '../src/retention.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import {
  endSessions,
  findForeignSubject,
  openSession,
  readSessionStates,
  type SessionFacts,
} from '../src/sessions.ts';
import { storePassword } from '../src/passwords.ts';
import { sql } from 'kysely';
import { openTestDatabase } from './support/database.ts';
import { createAccount, eventTypes, hashOf, newId } from './support/rows.ts';

const db = await openTestDatabase(20);

interface Opened {
  readonly sessionId: string;
  readonly accountId: string;
  readonly refreshHash: Buffer;
}

const open = async (accountId?: string): Promise<Opened> => {
  const session = {
    id: newId(),
    accountId: accountId ?? (await createAccount(db, 'active')).id,
    passwordHash: null,
    refreshHash: randomBytes(32),
    ttlDays: 30,
  };
  expect(await openSession(db, session)).not.toBeNull();
  return { sessionId: session.id, accountId: session.accountId, refreshHash: session.refreshHash };
};

interface Shown {
  readonly outcome: RotationOutcome;
  /** The hash of the successor that this call would have made. */
  readonly proposed: Buffer;
}

const show = async (presentedHash: Buffer, proposed = randomBytes(32)): Promise<Shown> => ({
  outcome: await rotateRefreshToken(db, {
    presentedHash,
    nonce: randomBytes(32),
    successorHash: proposed,
    ttlDays: 30,
    graceSeconds: 10,
  }),
  proposed,
});

const stateOf = async ({
  sessionId,
  accountId,
}: Pick<Opened, 'sessionId' | 'accountId'>): Promise<string> => {
  const [found] = await readSessionStates(db, [{ sessionId, accountId }]);
  return found?.state ?? '';
};

/** Lets seconds pass for the uses and the ends of all tokens of a session. */
const letPass = async (sessionId: string, seconds: number): Promise<void> => {
  await sql`UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => ${seconds}),
                   expires_at = expires_at - make_interval(secs => ${seconds})
             WHERE session_id = ${sessionId}`.execute(db);
  await sql`UPDATE sessions SET expires_at = expires_at - make_interval(secs => ${seconds})
             WHERE id = ${sessionId}`.execute(db);
};
const day = 86_400;

describe('a session', () => {
  test('tells the account as it is in the database', async () => {
    const account = await createAccount(db, 'active');
    await sql`UPDATE accounts SET is_admin = true, verified_at = now(), phone = '+4915112345678',
                     phone_key = ${hashOf('phone')} WHERE id = ${account.id}`.execute(db);
    const opened = await openSession(db, {
      id: newId(),
      accountId: account.id,
      passwordHash: null,
      refreshHash: randomBytes(32),
      ttlDays: 1,
    });
    expect(opened).toMatchObject({
      accountId: account.id,
      organizationId: defaultOrganizationId,
      isAdmin: true,
      email: account.email,
      emailVerified: true,
      phone: '+4915112345678',
      phoneVerified: false,
    } satisfies Partial<SessionFacts>);
  });

  test('is not opened for an account that is suspended, gone, or has another password meanwhile', async () => {
    const rest = { passwordHash: null, ttlDays: 30 };
    const { id: accountId } = await createAccount(db, 'suspended');
    expect(
      await openSession(db, { ...rest, id: newId(), accountId, refreshHash: randomBytes(32) }),
    ).toBeNull();
    expect(
      await openSession(db, { ...rest, id: newId(), accountId: newId(), refreshHash: randomBytes(32) }),
    ).toBeNull();
    const { id } = await createAccount(db, 'active');
    await storePassword(db, id, 'new hash', null);
    const byOldPassword = {
      id: newId(),
      accountId: id,
      passwordHash: 'old hash',
      refreshHash: randomBytes(32),
    };
    expect(await openSession(db, { ...rest, ...byOldPassword })).toBeNull();
    expect(await openSession(db, { ...rest, ...byOldPassword, passwordHash: 'new hash' })).not.toBeNull();
  });

  test('opened while the password is being changed is either refused or ended', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id: accountId } = await createAccount(db, 'active');
      await storePassword(db, accountId, 'old hash', null);
      const id = newId();
      const session = { id, accountId, passwordHash: 'old hash', refreshHash: randomBytes(32), ttlDays: 30 };
      await Promise.all([openSession(db, session), storePassword(db, accountId, 'new hash', null)]);
      expect(await stateOf({ sessionId: id, accountId })).toBe('ended');
    }
  });

  test('is live until it is ended, suspended, gone, or has lapsed', async () => {
    const [live, ended, suspended, gone, lapsed] = [
      await open(),
      await open(),
      await open(),
      await open(),
      await open(),
    ];
    await endSessions(db, ended.accountId, { only: ended.sessionId }, 'sign_out');
    await sql`UPDATE accounts SET status = 'suspended' WHERE id = ${suspended.accountId}`.execute(db);
    await sql`DELETE FROM accounts WHERE id = ${gone.accountId}`.execute(db);
    await letPass(lapsed.sessionId, 31 * day);
    const states = await readSessionStates(db, [live, ended, suspended, gone, lapsed]);
    expect(states.map(({ state }) => state)).toEqual([
      'live',
      'ended',
      'suspended',
      'unknown_account',
      'ended',
    ]);
  });

  test('of another account is not live for this one', async () => {
    const [one, other] = [await open(), await open()];
    expect(await stateOf({ sessionId: one.sessionId, accountId: other.accountId })).toBe('ended');
  });
});

describe('ending sessions', () => {
  test.each([
    ['this', (id: string) => ({ only: id }), ['ended', 'live', 'live']],
    ['all others', (id: string) => ({ allBut: id }), ['live', 'ended', 'ended']],
    ['all', () => ({ allBut: null }), ['ended', 'ended', 'ended']],
  ] as const)('%s ends those and no other, and not those of another account', async (_, which, states) => {
    const first = await open();
    const [second, third] = [await open(first.accountId), await open(first.accountId)];
    const stranger = await open();
    await endSessions(db, first.accountId, which(first.sessionId), 'sign_out');
    const found = await readSessionStates(db, [first, second, third]);
    expect(found.map(({ state }) => state)).toEqual(states);
    expect(await stateOf(stranger)).toBe('live');
    await endSessions(db, stranger.accountId, { only: first.sessionId }, 'sign_out');
    expect(await stateOf(stranger)).toBe('live');
  });
});

describe('a refresh token', () => {
  test('gives one successor, and the session lasts anew from then', async () => {
    const session = await open();
    await letPass(session.sessionId, 20 * day);
    const { outcome, proposed } = await show(session.refreshHash);
    expect(outcome.kind).toBe('refreshed');
    await letPass(session.sessionId, 20 * day);
    expect((await show(proposed)).outcome.kind).toBe('refreshed');
    expect(await stateOf(session)).toBe('live');
  });

  test('shown by 100 callers at once rotates once, and all get the one successor', async () => {
    const session = await open();
    const shown = await Promise.all(Array.from({ length: 100 }, () => show(session.refreshHash)));
    const nonces = shown.map(({ outcome }) =>
      outcome.kind === 'refreshed' ? Buffer.from(outcome.nonce).toString('hex') : outcome.kind,
    );
    expect(new Set(nonces).size).toBe(1);
    expect(nonces[0]).toMatch(/^[0-9a-f]{64}$/);
    const tokens = await db
      .selectFrom('refresh_tokens')
      .select('token_hash')
      .where('session_id', '=', session.sessionId)
      .execute();
    expect(tokens).toHaveLength(2);
  });

  test('shown again after the grace ends its whole family, the newest token too', async () => {
    const session = await open();
    const { proposed } = await show(session.refreshHash);
    await letPass(session.sessionId, 11);
    expect((await show(session.refreshHash)).outcome).toEqual({
      kind: 'reused',
      sessionId: session.sessionId,
      accountId: session.accountId,
    });
    expect((await show(proposed)).outcome.kind).toBe('ended');
    expect(await stateOf(session)).toBe('ended');
  });

  test('shown again within the grace, but after its successor was used, ends its family', async () => {
    const session = await open();
    const { proposed } = await show(session.refreshHash);
    await show(proposed);
    expect((await show(session.refreshHash)).outcome.kind).toBe('reused');
    expect(await stateOf(session)).toBe('ended');
  });

  test('of an older generation ends its family, and no other session of the account', async () => {
    const session = await open();
    const other = await open(session.accountId);
    const second = (await show(session.refreshHash)).proposed;
    const third = (await show(second)).proposed;
    await show(third);
    expect((await show(second)).outcome.kind).toBe('reused');
    expect([await stateOf(session), await stateOf(other)]).toEqual(['ended', 'live']);
  });

  test('keeps nothing in its row by which its successor could be made, once that was used', async () => {
    const session = await open();
    const { proposed } = await show(session.refreshHash);
    await show(proposed);
    const row = await db
      .selectFrom('refresh_tokens')
      .select('successor_nonce')
      .where('token_hash', '=', session.refreshHash)
      .executeTakeFirstOrThrow();
    expect(row.successor_nonce).toBeNull();
  });

  test('is unknown, expired, of an ended session or a suspended account: each is told, and nothing rotates', async () => {
    expect((await show(randomBytes(32))).outcome.kind).toBe('unknown');
    const expired = await open();
    await letPass(expired.sessionId, 31 * day);
    expect((await show(expired.refreshHash)).outcome.kind).toBe('expired');
    const ended = await open();
    await endSessions(db, ended.accountId, { allBut: null }, 'sign_out_all');
    expect((await show(ended.refreshHash)).outcome.kind).toBe('ended');
    const suspended = await open();
    await sql`UPDATE accounts SET status = 'suspended' WHERE id = ${suspended.accountId}`.execute(db);
    expect((await show(suspended.refreshHash)).outcome.kind).toBe('suspended');
    await sql`UPDATE accounts SET status = 'active' WHERE id = ${suspended.accountId}`.execute(db);
    expect((await show(suspended.refreshHash)).outcome.kind).toBe('refreshed');
  });
});

test('a new password ends all sessions but the spared one, and is one event', async () => {
  const spared = await open();
  const other = await open(spared.accountId);
  expect(await storePassword(db, spared.accountId, 'hash', spared.sessionId)).toEqual({ endedSessions: 1 });
  expect([await stateOf(spared), await stateOf(other)]).toEqual(['live', 'ended']);
  expect(await eventTypes(db, spared.accountId)).toEqual(['PASSWORD_CHANGED']);
  expect(await storePassword(db, newId(), 'hash', null)).toBeUndefined();
});

test('a foreign subject is found by id before address, and within its organization only', async () => {
  const [byId, byEmail] = [await createAccount(db, 'active'), await createAccount(db, 'suspended')];
  const emailKey = hashOf(byEmail.email);
  const found = async (organizationId: string, accountId: string | null, key: Buffer | null) =>
    findForeignSubject(db, organizationId, { accountId, emailKey: key });
  expect(await found(defaultOrganizationId, byId.id, emailKey)).toMatchObject({
    accountId: byId.id,
    isSuspended: false,
  });
  expect(await found(defaultOrganizationId, newId(), emailKey)).toMatchObject({
    accountId: byEmail.id,
    isSuspended: true,
  });
  expect(await found(defaultOrganizationId, null, emailKey)).toMatchObject({ accountId: byEmail.id });
  expect(await found(defaultOrganizationId, null, null)).toBeUndefined();
  expect(await found(newId(), byId.id, emailKey)).toBeUndefined();
});

test('tokens go when they would have expired, sessions when the retention is over as well', async () => {
  const [fresh, over, old] = [await open(), await open(), await open()];
  await letPass(over.sessionId, 31 * day);
  await letPass(old.sessionId, 61 * day);
  await forgetExpired.refreshTokens(db, 30);
  await forgetExpired.sessions(db, 30);
  const ids = [fresh, over, old].map(({ sessionId }) => sessionId);
  const sessions = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', 'in', ids)
    .orderBy('id')
    .execute();
  expect(sessions.map(({ id }) => id)).toEqual([fresh.sessionId, over.sessionId]);
  const tokens = await db
    .selectFrom('refresh_tokens')
    .select('session_id')
    .where('session_id', 'in', ids)
    .execute();
  expect(tokens).toEqual([{ session_id: fresh.sessionId }]);
});
