import type { BounceKind, DeliveryEvent, DeliveryEventType } from '@reconfirm/core/delivery-event';
import {
  advance,
  messageRanks,
  type MessageStatus,
  publicStatus,
  type ReportedFacts,
} from '@reconfirm/core/message';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { acceptMessages } from '../src/accept-messages.ts';
import { storeDeliveryEvent } from '../src/delivery-events.ts';
import { recordMessages } from '../src/records.ts';
import { openTestDatabase } from './support/database.ts';
import { recordOf, startSending } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { accountRow, createAccount, messageRow, newEmail, requestFor } from './support/rows.ts';

const db = await openTestDatabase();

const permutations = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  items.length < 2
    ? [items]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));

type Reported = DeliveryEventType | 'bounced soft' | 'bounced hard';

const factsOf = (of: Reported): ReportedFacts & Pick<DeliveryEvent, 'bounce'> => {
  const [type, bounce] = of.split(' ') as [DeliveryEventType, BounceKind | undefined];
  return { type, ...(bounce !== undefined && { bounce }) };
};

const foldOf = (types: readonly Reported[]): MessageStatus =>
  types.reduce((status: MessageStatus, of) => {
    const next = advance(status, factsOf(of));
    return next === 'ignore' ? status : next;
  }, 'sent');

/** What becomes of a message whose reports come in this order, the worker's record in between. */
const endOf = async (types: readonly Reported[], recordAfter: number) => {
  const account = await createAccount(db);
  const claimed = await startSending(db, account);
  for (const [index, of] of types.entries()) {
    if (index === recordAfter) await recordMessages(db, [recordOf(claimed)]);
    const { type, ...bounce } = factsOf(of);
    await storeDeliveryEvent(db, report(type, claimed.id, bounce));
  }
  const { status } = await messageRow(db, claimed.id);
  return { status, shown: (await accountRow(db, account.id)).verification_email_status };
};

describe('all orders of the same reports end in the same status, which is the core’s', () => {
  test.each([
    [['accepted', 'delivered', 'bounced', 'complained', 'deferred']],
    [['accepted', 'delivered', 'bounced hard', 'bounced soft']],
    [['accepted', 'delivered', 'bounced soft', 'rejected']],
    [['accepted', 'bounced soft', 'failed', 'deferred']],
    [['accepted', 'delivered', 'unknown', 'deferred']],
  ] as const)('%s', { timeout: 60_000 }, async (types) => {
    const orders = permutations<Reported>(types);
    expect(new Set(orders.map(foldOf)).size).toBe(1);
    const ends = await Promise.all(orders.map((order, index) => endOf(order, index % order.length)));
    const expected = { status: foldOf(types), shown: publicStatus(foldOf(types)) };
    expect(ends).toEqual(orders.map(() => expected));
  });
});

describe('the table itself', () => {
  test.each([
    ['delivered', 'sent'],
    ['complained', 'delivered'],
    ['delivered', 'undelivered'],
    ['bounced', 'delivered'],
    ['sent', 'queued'],
  ] as const)('refuses to take a message from %s back to %s', async (from, to) => {
    const { id } = await startSending(db, await createAccount(db));
    const set = (status: MessageStatus) =>
      db
        .updateTable('messages')
        .set({ status, lease_until: null, settled_at: status === 'queued' ? null : new Date() })
        .where('id', '=', id)
        .execute();
    await set(from);
    await expect(set(to)).rejects.toMatchObject({ code: '23514' });
    expect((await messageRow(db, id)).status).toBe(from);
  });
});

interface Step {
  /** The message that is written to, by its number. */
  readonly walk: number;
  readonly to: MessageStatus;
}

interface Verdict {
  readonly taken: boolean;
  /** The status and rank that the row has afterwards. */
  readonly status: MessageStatus;
  readonly rank: number;
}

class RolledBack extends Error {}

/** Writes each step to the real table, and nothing of it stays: what the trigger and the generated rank made of it. */
const verdictsOfTable = async (steps: readonly Step[], walks: number): Promise<readonly Verdict[]> => {
  let verdicts: readonly Verdict[] = [];
  const all = db.transaction().execute(async (tx) => {
    const requests = Array.from({ length: walks }, () => requestFor(newEmail()));
    await acceptMessages(tx, requests);
    await sql`
      CREATE FUNCTION pg_temp.try_step(message uuid, wanted text) RETURNS boolean LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE messages SET status = wanted, settled_at = CASE WHEN status_rank(wanted) >= 40 THEN now() END
         WHERE id = message;
        RETURN true;
      EXCEPTION WHEN check_violation THEN
        -- Only the trigger's word counts: another violation is a fault of this test.
        IF SQLERRM NOT LIKE '%may not go back%' THEN RAISE; END IF;
        RETURN false;
      END $$`.execute(tx);
    await sql`
      CREATE FUNCTION pg_temp.walk(messages uuid[], wanted text[])
        RETURNS TABLE (taken boolean, status text, rank smallint) LANGUAGE plpgsql AS $$
      BEGIN
        FOR i IN 1 .. cardinality(messages) LOOP
          taken := pg_temp.try_step(messages[i], wanted[i]);
          SELECT m.status, m.rank INTO status, rank FROM messages m WHERE m.id = messages[i];
          RETURN NEXT;
        END LOOP;
      END $$`.execute(tx);
    const { rows } = await sql<Verdict>`
      SELECT * FROM pg_temp.walk(${steps.map(({ walk }) => requests[walk]?.id)}::uuid[], ${steps.map(({ to }) => to)}::text[])`.execute(
      tx,
    );
    verdicts = rows;
    throw new RolledBack();
  });
  await expect(all).rejects.toBeInstanceOf(RolledBack);
  return verdicts;
};

/** What the rule makes of the same steps. */
const verdictsOfRule = (
  steps: readonly Step[],
  ranks: Readonly<Record<MessageStatus, number>>,
): readonly Verdict[] => {
  const at = new Map<number, MessageStatus>();
  return steps.map(({ walk, to }) => {
    const status = at.get(walk) ?? 'queued';
    const taken = ranks[to] >= ranks[status];
    const next = taken ? to : status;
    at.set(walk, next);
    return { taken, status: next, rank: ranks[next] };
  });
};

describe('10,000 random transitions', () => {
  const statuses = Object.keys(messageRanks) as MessageStatus[];
  // Short walks, or all of them would soon stand at the top: a few steps each, from the bottom.
  const [walks, stepsOfWalk] = [2000, 5];
  const steps = Array.from({ length: walks * stepsOfWalk }, (_, index) => ({
    walk: Math.floor(index / stepsOfWalk),
    to: statuses[Math.floor(Math.random() * statuses.length)] as MessageStatus,
  }));

  test(
    'are taken and refused by the table exactly as by the core, rank by rank',
    { timeout: 60_000 },
    async () => {
      const verdicts = await verdictsOfTable(steps, walks);
      expect(verdicts).toEqual(verdictsOfRule(steps, messageRanks));
      expect(verdicts.filter(({ taken }) => !taken).length, 'many were refused').toBeGreaterThan(2000);
      const swapped = { ...messageRanks, delivered: messageRanks.bounced, bounced: messageRanks.delivered };
      expect(verdicts, 'a rule that differs in one pair is noticed').not.toEqual(
        verdictsOfRule(steps, swapped),
      );
    },
  );
});
