import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { findMessageHistory } from '../src/message-history.ts';
import { recordMessages } from '../src/records.ts';
import { forgetExpired } from '../src/retention.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import {
  addSuppression,
  liftSuppression,
  listSuppressions,
  suppressionsOfAccount,
} from '../src/suppressions.ts';
import { deleteUser } from '../src/users.ts';
import { openTestDatabase } from './support/database.ts';
import { begin, claim, confirm, recordOf, send, tokenHashOf } from './support/delivery.ts';
import { toldOf } from './support/outgoing.ts';
import { report } from './support/reports.ts';
import { accept, accountRow, createAccount, hashOf, newEmail, newId } from './support/rows.ts';
import {
  bounce,
  changesOf,
  hard,
  isSuppressed,
  lastsDays,
  letDaysPass,
  recordedOf,
  suppressionOf,
} from './support/suppressions.ts';

const db = await openTestDatabase(20);
const organizationId = defaultOrganizationId;
const operator = { who: 'Ana of support', why: 'ticket 7: the mailbox was mended' };

describe('lifting', () => {
  test('R29.2: an operator’s word lifts anything, is on record, and makes a fresh start', async () => {
    const account = await createAccount(db);
    await storeDeliveryEvent(db, report('complained', await send(db, account)));
    const { id } = await recordedOf(db, account.email);
    expect(await liftSuppression(db, { organizationId: newId(), id }, operator)).toBeUndefined();
    expect(await isSuppressed(db, account)).toBe(true);
    const lifts = await Promise.all(
      Array.from({ length: 10 }, () => liftSuppression(db, { organizationId, id }, operator)),
    );
    expect(lifts.every((lift) => lift?.isInForce === false && lift.liftedBy === 'operator')).toBe(true);
    expect(await isSuppressed(db, account)).toBe(false);
    expect(await changesOf(db, id)).toMatchObject([
      { change: 'suppressed', by: 'report' },
      { change: 'lifted', by: 'operator', who: operator.who, why: operator.why },
    ]);
    expect((await toldOf(db, account.id)).filter(({ type }) => type.startsWith('contact.'))).toMatchObject([
      { type: 'contact.suppressed', method: 'report' },
      { type: 'contact.suppression_lifted', method: 'operator' },
    ]);
  });

  test('what was handed over before the lift changes nothing more; what is after does', async () => {
    const account = await createAccount(db);
    const [first, underWay] = [await send(db, account), await send(db, account)];
    await storeDeliveryEvent(db, report('bounced', first, hard));
    const { id } = await recordedOf(db, account.email);
    await liftSuppression(db, { organizationId, id }, operator);
    await storeDeliveryEvent(db, report('bounced', underWay, hard));
    await storeDeliveryEvent(db, report('complained', underWay));
    expect(await isSuppressed(db, account)).toBe(false);
    await bounce(db, account);
    expect(await recordedOf(db, account.email)).toMatchObject({ isInForce: true, times: 1 });
  });

  test('using a link that had reached the mailbox ends a hard bounce, and no complaint', async () => {
    for (const [type, isLifted] of [
      ['bounced', true],
      ['complained', false],
    ] as const) {
      const account = await createAccount(db);
      const id = await send(db, account);
      await storeDeliveryEvent(db, report(type, id, hard));
      expect((await confirm(db, tokenHashOf(id))).state).toBe('live');
      const recorded = await recordedOf(db, account.email);
      expect(recorded).toMatchObject({
        isInForce: !isLifted,
        liftedBy: isLifted ? 'proof' : null,
      });
      const lifted = { change: 'lifted', by: 'proof', messageId: id };
      expect((await changesOf(db, recorded.id)).slice(1)).toMatchObject(isLifted ? [lifted] : []);
      expect((await accountRow(db, account.id)).status).toBe('active');
    }
  });

  test('a link that is used a second time, or is dead, lifts nothing', async () => {
    const account = await createAccount(db);
    const [older, newer] = [await send(db, account), await send(db, account)];
    await storeDeliveryEvent(db, report('bounced', newer, hard));
    expect((await confirm(db, tokenHashOf(older))).state).toBe('superseded');
    expect((await recordedOf(db, account.email)).isInForce).toBe(true);
    await confirm(db, tokenHashOf(newer));
    await bounce(db, account);
    expect((await confirm(db, tokenHashOf(newer))).state).not.toBe('live');
    expect((await recordedOf(db, account.email)).isInForce).toBe(true);
  });

  test('an address is added by hand, for a time or until it is lifted; a complaint stays one', async () => {
    const account = await createAccount(db);
    const word = {
      organizationId,
      addressKey: hashOf(account.email),
      channel: 'email',
      ...operator,
    } as const;
    const added = await addSuppression(db, { ...word, days: 7 });
    expect([added.reason, lastsDays(added)]).toEqual(['operator', 7]);
    expect(lastsDays(await addSuppression(db, { ...word, days: null }))).toBeNull();
    expect(await isSuppressed(db, account)).toBe(true);
    const id = await send(db, account);
    expect((await confirm(db, tokenHashOf(id))).state).toBe('live');
    expect((await recordedOf(db, account.email)).isInForce).toBe(true);

    const other = await createAccount(db);
    await storeDeliveryEvent(db, report('complained', await send(db, other)));
    const kept = await addSuppression(db, { ...word, addressKey: hashOf(other.email), days: 1 });
    expect(kept).toMatchObject({ reason: 'complaint', expiresAt: null });
  });
});

test('a captcha lets one message a day through to somebody who complained once, and its use ends it', async () => {
  const account = await createAccount(db);
  await storeDeliveryEvent(db, report('complained', await send(db, account)));
  const ask = async (passedCaptcha: boolean) => claim(db, await accept(db, account.email, { passedCaptcha }));
  const handOver = async (claimed: Awaited<ReturnType<typeof ask>>): Promise<void> => {
    await begin(db, claimed, account.id);
    await recordMessages(db, [recordOf(claimed)]);
  };
  expect((await ask(false)).isSuppressed).toBe(true);
  const passed = await ask(true);
  expect(passed.isSuppressed).toBe(false);
  await handOver(passed);
  expect((await ask(true)).isSuppressed, 'a second one on the same day').toBe(true);
  await letDaysPass(db, account.email, 1.1);
  const again = await ask(true);
  expect(again.isSuppressed).toBe(false);
  expect((await recordedOf(db, account.email)).isInForce, 'nothing was proved yet').toBe(true);
  await handOver(again);
  expect((await confirm(db, tokenHashOf(again.id))).state).toBe('live');
  expect(await recordedOf(db, account.email)).toMatchObject({ isInForce: false, liftedBy: 'proof' });

  await storeDeliveryEvent(db, report('complained', await send(db, account)));
  await letDaysPass(db, account.email, 1.1);
  expect((await ask(true)).isSuppressed, 'who complains a second time is asked no more').toBe(true);
  const { id } = await recordedOf(db, account.email);
  await liftSuppression(db, { organizationId, id }, operator);
  expect((await ask(false)).isSuppressed).toBe(false);
});

test('R28.4: an account is told of its own addresses, and only while it holds', async () => {
  const account = await createAccount(db);
  expect(await suppressionsOfAccount(db, account.id)).toEqual([]);
  await bounce(db, account);
  expect(await suppressionsOfAccount(db, account.id)).toMatchObject([
    { channel: 'email', reason: 'hard_bounce' },
  ]);
  expect(await suppressionsOfAccount(db, (await createAccount(db)).id)).toEqual([]);
  await letDaysPass(db, account.email, 14);
  expect(await suppressionsOfAccount(db, account.id)).toEqual([]);
});

test('another organization’s message to the same person is not suppressed', async () => {
  const account = await createAccount(db);
  await bounce(db, account);
  // Its keys are made of the organization, too.
  const id = await accept(db, account.email, {
    organizationId: newId(),
    addressKey: hashOf(`of another organization ${account.email}`),
  });
  expect((await claim(db, id)).isSuppressed).toBe(false);
});

test('R39.2: erasing an account leaves the keyed hash alone, and the person is not mailed again', async () => {
  const account = await createAccount(db);
  const id = await bounce(db, account);
  await liftSuppression(db, { organizationId, id: (await recordedOf(db, account.email)).id }, operator);
  await storeDeliveryEvent(db, report('complained', await send(db, account)));
  expect(await deleteUser(db, organizationId, account.id)).toBe('deleted');
  expect((await recordedOf(db, account.email)).isInForce).toBe(true);
  const { rows } = await sql<{ row: string }>`
    SELECT to_jsonb(s)::text AS row FROM suppressions s UNION ALL SELECT to_jsonb(c)::text FROM suppression_changes c`.execute(
    db,
  );
  const everything = rows.map(({ row }) => row).join('\n');
  expect(everything).toContain(id);
  expect(everything).not.toContain(account.email.slice(0, 12));
  expect(everything).not.toContain(account.id);
  expect((await claim(db, await accept(db, account.email))).isSuppressed).toBe(true);
});

test('a message’s history has what is on record of its address', async () => {
  const account = await createAccount(db);
  const id = await bounce(db, account);
  const skipped = await accept(db, account.email);
  for (const of of [id, skipped])
    expect((await findMessageHistory(db, of))?.suppression).toMatchObject({
      reason: 'hard_bounce',
      message_id: id,
    });
  const other = await accept(db, newEmail());
  expect((await findMessageHistory(db, other))?.suppression).toBeNull();
});

test('the list goes by pages, of one organization, in force or all', async () => {
  const accounts = await Promise.all(Array.from({ length: 5 }, () => createAccount(db)));
  for (const account of accounts) await bounce(db, account);
  const last = await recordedOf(db, accounts.at(-1)?.email ?? '');
  await liftSuppression(db, { organizationId, id: last.id }, operator);
  const idsOf = async (inForceOnly: boolean): Promise<readonly string[]> => {
    const ids: string[] = [];
    for (;;) {
      const beforeId = ids.at(-1);
      const page = await listSuppressions(db, {
        organizationId,
        inForceOnly,
        limit: 2,
        ...(beforeId !== undefined && { beforeId }),
      });
      if (page.length === 0) return ids;
      ids.push(...page.map(({ id }) => id));
    }
  };
  const [all, inForce] = [await idsOf(false), await idsOf(true)];
  expect(all).toEqual(all.toSorted((a, b) => Number(b) - Number(a)));
  expect(new Set(all).size).toBe(all.length);
  expect(all).toContain(last.id);
  expect(inForce).not.toContain(last.id);
  expect(all).toEqual(expect.arrayContaining([...inForce]));
  expect(await listSuppressions(db, { organizationId: newId(), inForceOnly: false, limit: 100 })).toEqual([]);
});

test('what ended more than a year ago is forgotten with its changes; what is in force never is', async () => {
  const [over, recent, lasting] = [
    await createAccount(db),
    await createAccount(db),
    await createAccount(db),
  ] as const;
  await bounce(db, over);
  await bounce(db, recent);
  await storeDeliveryEvent(db, report('complained', await send(db, lasting)));
  const { id } = await recordedOf(db, over.email);
  await letDaysPass(db, over.email, 14 + 367);
  await letDaysPass(db, recent.email, 14 + 360);
  await letDaysPass(db, lasting.email, 4000);
  await forgetExpired.suppressions(db, 30);
  expect(await suppressionOf(db, over.email)).toBeUndefined();
  expect(await changesOf(db, id)).toEqual([]);
  expect(await suppressionOf(db, recent.email)).toBeDefined();
  expect((await recordedOf(db, lasting.email)).isInForce).toBe(true);
});
