import { randomBytes, randomUUID } from 'node:crypto';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import { expect, test } from 'vitest';
import { createWorkerMetrics } from '../src/metrics.ts';
import { createBacklog } from '../src/backlog.ts';
import { startSweep, type Sweep, type SweepOptions } from '../src/sweep.ts';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { createGate } from './support/gate.ts';
import { register, registerMany } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

/** A queue that takes every ring, or none; nobody listens to it. */
const queueThat = (takes: boolean): Doorbell => ({
  ring: () => {},
  ringAll: () => Promise.resolve(takes),
  isWorking: () => takes,
  close: () => Promise.resolve(),
});

interface SweepChoices {
  readonly doorbell?: Doorbell;
  readonly deliver?: () => Promise<void>;
  readonly freeHands?: () => number;
}

/** A sweep on the scene's rows, which ends with the test. */
const openSweep = (scene: Scene, choices: SweepChoices = {}): Sweep & AsyncDisposable => {
  const backlog = createBacklog({
    deliver: choices.deliver ?? (() => Promise.resolve()),
    inHand: () => 0,
    concurrency: 10,
    rate: undefined,
    onDelivered: () => {},
  });
  const channel = { backlog, mayOvertakeQueue: true, freeHands: choices.freeHands ?? (() => 10) };
  const options: SweepOptions = {
    db: scene.db,
    doorbell: choices.doorbell ?? queueThat(true),
    channels: { email: channel, sms: channel },
    intervalMs: 50,
    retentionDays: 30,
    pendingAccountDays: 0,
    suppressDays: [],
    log: scene.log,
    metrics: createWorkerMetrics({ inHand: () => 0, ways: () => [], queueWorking: () => true }),
  };
  const sweep = startSweep(options);
  return { ...sweep, [Symbol.asyncDispose]: () => sweep.stop() };
};

const twoDaysMs = 2 * 86_400_000;

const insertOldCharges = async (scene: Scene, count: number): Promise<void> => {
  const charge = () => ({
    subject_key: randomBytes(32),
    charge_id: randomUUID(),
    charged_at: new Date(Date.now() - twoDaysMs),
  });
  await scene.db
    .insertInto('limit_charges')
    .values(Array.from({ length: count }, charge))
    .execute();
};

const countCharges = async (scene: Scene): Promise<number> =>
  (await scene.db.selectFrom('limit_charges').select('charge_id').execute()).length;

const nowhere = 'smtp://127.0.0.1:9';

test('a backlog that was rung in vain keeps the sweep going while every hand is busy, and is left to them', async () => {
  await using scene = await openScene(nowhere);
  await scene.skipWait(...(await registerMany(scene.db, 50)));
  let delivered = 0;
  await using sweep = openSweep(scene, {
    freeHands: () => 0,
    deliver: async () => {
      delivered += 1;
    },
  });
  for (let round = 0; round < 5; round += 1) {
    const beforeMs = sweep.lastProgressMs();
    await eventually('another round ended', () => sweep.lastProgressMs() > beforeMs);
  }
  expect(delivered).toBe(0);
});

test('no more of a backlog that was rung in vain is taken than there are free hands', async () => {
  await using scene = await openScene(nowhere);
  await scene.skipWait(...(await registerMany(scene.db, 50)));
  const gate = createGate();
  let begun = 0;
  await using sweep = openSweep(scene, {
    freeHands: () => 3,
    deliver: async () => {
      begun += 1;
      await gate.pass();
    },
  });
  await gate.reached;
  const beforeMs = sweep.lastProgressMs();
  await eventually('the round ended', () => sweep.lastProgressMs() > beforeMs);
  expect(begun).toBe(3);
  gate.open();
});

test('rounds go on while what is delivered without the queue is still in hand, and no message is begun twice', async () => {
  await using scene = await openScene(nowhere);
  await scene.skipWait(...(await registerMany(scene.db, 20)));
  const gate = createGate();
  let begun = 0;
  await using sweep = openSweep(scene, {
    doorbell: queueThat(false),
    deliver: async () => {
      begun += 1;
      await gate.pass();
    },
  });
  await gate.reached;
  for (let round = 0; round < 5; round += 1) {
    const beforeMs = sweep.lastProgressMs();
    await eventually('another round ended', () => sweep.lastProgressMs() > beforeMs);
  }
  expect(begun, 'as many as it has hands').toBe(10);
  // Due again by then, as far as the rows say.
  await scene.db.updateTable('messages').set({ rung_at: null }).execute();
  const beforeMs = sweep.lastProgressMs();
  await eventually('they were taken again', () => sweep.lastProgressMs() > beforeMs);
  gate.open();
  await eventually('all were begun', () => begun >= 20);
});

test('one pass of retention works through far more rows than one statement deletes', async () => {
  await using scene = await openScene(nowhere);
  await insertOldCharges(scene, 1700);
  await using _ = openSweep(scene);
  // The next pass is a minute away.
  await expect.poll(() => countCharges(scene), { timeout: 10_000 }).toBe(0);
});

test('a step of the sweep that fails keeps no other from running, and an operator is told', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.db.schema.alterTable('delivery_events').renameTo('delivery_events_away').execute();
  await insertOldCharges(scene, 1);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.start();
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
  await eventually('what is past its time goes', async () => (await countCharges(scene)) === 0);
  for (const step of ['parked_events', 'forget_deliveryEvents', 'forget_parkedEvents'])
    expect(scene.lines).toContainEqual(
      expect.objectContaining({ msg: 'sweep.step_failed', level: 50, step }),
    );
  expect(new Set(scene.lines.flatMap((line) => line['step'] ?? [])).size, 'and nothing else failed').toBe(3);
});
