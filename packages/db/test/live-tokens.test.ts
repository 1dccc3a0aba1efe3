import type { LiveTokens } from '@reconfirm/core/live-tokens';
import { describe, expect, test } from 'vitest';
import { beginAttempts } from '../src/claims.ts';
import { recordMessages } from '../src/records.ts';
import { readToken } from '../src/token-state.ts';
import { confirmToken } from '../src/verifications.ts';
import { openTestDatabase } from './support/database.ts';
import {
  byLink,
  claim,
  codeHashOf,
  credentialOf,
  confirm,
  recordOf,
  startOf,
  tokenHashOf,
} from './support/delivery.ts';
import { accept, createAccount, letTimePass, type MailAccount, verificationRow } from './support/rows.ts';

const db = await openTestDatabase(20);

/** Sends a message whose token lives by a policy; returns its id. */
const sendBy = async (account: MailAccount, liveTokens: LiveTokens, purpose = 'signup'): Promise<string> => {
  const claimed = await claim(db, await accept(db, account.email, { purpose }));
  await beginAttempts(db, [
    { ...startOf(claimed, account.id), credential: credentialOf(claimed.id, liveTokens) },
  ]);
  await recordMessages(db, [recordOf(claimed)]);
  return claimed.id;
};
const stateOf = async (messageId: string) => (await readToken(db, byLink(tokenHashOf(messageId)))).state;

describe('the newest three stay live', () => {
  const newestThree: LiveTokens = { newest: 3, supersededWhen: 'accepted' };

  test('and the fourth newest is dead as soon as the newest was accepted', async () => {
    const account = await createAccount(db);
    const ids = [
      await sendBy(account, newestThree),
      await sendBy(account, newestThree),
      await sendBy(account, newestThree),
    ];
    expect(await Promise.all(ids.map(stateOf))).toEqual(['live', 'live', 'live']);
    await accept(db, account.email);
    expect(await Promise.all(ids.map(stateOf))).toEqual(['superseded', 'live', 'live']);
  });

  test('and used all at once, one of them changes the state and nobody is refused', async () => {
    const account = await createAccount(db);
    const ids = [await sendBy(account, newestThree), await sendBy(account, newestThree)];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => confirm(db, tokenHashOf(ids[i % 2] ?? ''))),
    );
    expect(answers.filter(({ state }) => state === 'live')).toHaveLength(1);
    expect(answers.filter(({ state }) => state === 'consumed')).toHaveLength(19);
  });

  test('and where a link lets somebody in, using one ends the others', async () => {
    const account = await createAccount(db, 'active');
    const ids = [
      await sendBy(account, newestThree, 'magiclink'),
      await sendBy(account, newestThree, 'magiclink'),
    ];
    const answers = await Promise.all(ids.map((id) => confirm(db, tokenHashOf(id))));
    expect(answers.map(({ state }) => state).toSorted()).toEqual(['live', 'superseded']);
  });
});

describe('the older one works until the newer was handed over', () => {
  const untilHandedOver: LiveTokens = { newest: 1, supersededWhen: 'handed_over' };

  test('and not a moment longer', async () => {
    const account = await createAccount(db);
    const older = await sendBy(account, untilHandedOver);
    const newer = await claim(db, await accept(db, account.email));
    expect(await stateOf(older)).toBe('live');
    await beginAttempts(db, [
      { ...startOf(newer, account.id), credential: credentialOf(newer.id, untilHandedOver) },
    ]);
    expect(await stateOf(older)).toBe('live');
    await recordMessages(db, [recordOf(newer)]);
    expect(await stateOf(older)).toBe('superseded');
  });
});

describe('a code and its link', () => {
  const newestOne: LiveTokens = { newest: 1, supersededWhen: 'accepted' };

  test('are one token: whichever is used, the other answers that it was', async () => {
    const account = await createAccount(db);
    const messageId = await sendBy(account, newestOne);
    expect((await verificationRow(db, messageId)).code_hash).toEqual(codeHashOf(messageId));
    expect((await confirmToken(db, { by: 'code', messageId }, ['signup'])).state).toBe('live');
    expect(await stateOf(messageId)).toBe('consumed');
    expect((await verificationRow(db, messageId)).consumed_by).toBe('code');
  });

  test('have lifetimes of their own, counted from the hand-over', async () => {
    const account = await createAccount(db);
    const messageId = await sendBy(account, newestOne);
    await letTimePass(db, messageId, 601);
    expect((await readToken(db, { by: 'code', messageId })).state).toBe('expired');
    expect(await stateOf(messageId)).toBe('live');
  });

  test('of another purpose than the caller confirms here change nothing', async () => {
    const account = await createAccount(db);
    const messageId = await sendBy(account, newestOne, 'recovery');
    expect((await confirmToken(db, byLink(tokenHashOf(messageId)), ['signup'])).state).toBe('other_purpose');
    expect(await stateOf(messageId)).toBe('live');
  });
});
