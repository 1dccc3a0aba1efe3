import assert from 'node:assert/strict';
import { type Asked, isExcused, newModel, people, reports, stateOfToken, stranger } from './model.ts';
import { count, perform, type Step, type Tally, takeNewRow, takeWhatWasDone, type World } from './steps.ts';
import type { Row, System } from './system.ts';

let worlds = 0;

/** Lets everybody but the stranger register, and then everything happen; throws when something is not as in the model. */
export const play = async (
  system: System,
  steps: readonly Step[],
  tally: Tally = new Map(),
): Promise<void> => {
  await system.reset();
  worlds += 1;
  const world: World = {
    model: newModel(),
    system,
    emails: Array.from({ length: people }, (_, who) => `person-${who}-of-${worlds}@example.org`),
    lastReport: null,
    mailsRead: system.mails.length,
    ranks: new Map(),
    tally,
  };
  for (let who = 0; who < stranger; who += 1) {
    assert.equal((await system.post('/v1/register', { email: world.emails[who] })).status, 201);
    await takeNewRow(world, who);
  }
  for (const step of steps) {
    await perform(world, step);
    await checkAlways(world);
  }
  await finish(world);
  await checkAtTheEnd(world);
};

/** What holds after every step: nothing is lost or goes back, and no mail goes without an attempt on record. */
const checkAlways = async (world: World): Promise<readonly Row[]> => {
  const { model, system, ranks } = world;
  const rows = await system.rows();
  assert.deepEqual(
    rows.map(({ id }) => id),
    model.asked.map(({ id }) => id),
    'the rows are what was accepted',
  );
  for (const [place, row] of rows.entries()) {
    const asked = model.asked[place];
    assert(row.rank >= (ranks.get(row.id) ?? 0), `a message went back to ${row.status}`);
    ranks.set(row.id, row.rank);
    assert((asked?.copies ?? 0) <= row.attempts, `${asked?.copies} copies of ${row.attempts} attempts`);
    assert(
      row.rank >= (asked?.reported ?? 0),
      `a message is ${row.status} after a report of ${asked?.reported}`,
    );
  }
  return rows;
};

/** Three hours are longer than any wait between two attempts. A message that is still owed then is lost. */
const roundSeconds = 10_800;
const roundsMax = 5;

const finish = async (world: World): Promise<void> => {
  const { model, system } = world;
  while (system.areAsleep() > 0) await perform(world, ['wake']);
  for (let round = 0; round < roundsMax; round += 1) {
    const rows = await checkAlways(world);
    if (rows.every(({ isSettled }) => isSettled)) return;
    await perform(world, ['advance', roundSeconds]);
    await perform(world, ['sweep']);
    for (const _ of model.asked) await perform(world, ['work', 0, 'takes', 'none']);
  }
  const owed = (await system.rows()).filter(({ isSettled }) => !isSettled);
  assert.deepEqual(owed, [], 'everything that was accepted is settled');
};

const checkAtTheEnd = async (world: World): Promise<void> => {
  takeWhatWasDone(world);
  const { model, system } = world;
  for (const row of await checkAlways(world)) {
    const asked = model.asked.find(({ id }) => id === row.id);
    assert(asked !== undefined);
    count(world.tally, `ended ${row.reason ?? row.status}`);
    assert(isExplained(world, asked, row), `${row.status} (${row.reason}) of ${JSON.stringify(asked)}`);
    if (asked.token === null) continue;
    const works = await system.check(asked.token);
    assert.equal(works, stateOfToken(model, asked) === 'live', `the link of ${JSON.stringify(asked)}`);
  }
  const used = await system.db
    .selectFrom('verifications as v')
    .innerJoin('messages as m', 'm.id', 'v.message_id')
    .where('v.consumed_at', 'is not', null)
    .select('m.id')
    .execute();
  const expected = model.asked.filter((asked) => asked.used).map(({ id }) => id);
  assert.deepEqual(used.map(({ id }) => id).toSorted(), expected.toSorted(), 'each link was used once');
  const proofs = await system.db
    .selectFrom('account_events')
    .where('type', '=', 'EMAIL_VERIFIED')
    .select('account_id')
    .execute();
  assert.equal(proofs.length, model.verified.size, 'each address was proved once');
};

/** The status that a message ended in is the furthest that was reported, or its own outcome, for a reason that is true. */
const isExplained = ({ model }: World, asked: Asked, row: Row): boolean => {
  switch (row.status) {
    case 'complained':
      return asked.reported === reports.complained;
    case 'bounced':
      return asked.reported === reports.bounced || asked.refused;
    case 'delivered':
      return asked.reported === reports.delivered;
    case 'sent':
      return asked.copies > 0 || asked.reported === reports.accepted;
    default:
      return isExcused(model, asked, row.reason);
  }
};
