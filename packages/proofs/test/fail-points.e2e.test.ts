import { expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { waitUntil } from '@reconfirm/local-stack';
import type { ApiClient } from '../src/api-client.ts';
import { postgresSettings, redisSettings } from '../src/installation.ts';
import { addresses, untilSettled } from '../src/load.ts';
import { headerOf, reportEvent } from '../src/mailgun-webhook.ts';
import { countByRecipient, linkOf, mailsByRecipient, nextMail, tokenOf } from '../src/mails.ts';
import { type HoldAt, openSmtpGate, type SmtpGate } from '../src/smtp-gate.ts';
import { openScene, type Scene } from './support/scene.ts';

/** How many messages stand at each point when the worker dies. */
const repeats = Number(process.env['FAILPOINT_REPEATS'] ?? 5);

/** The default of LEASE_SECONDS. */
const leaseMs = 15_000;

/** Where a worker dies, what is true of a message then, and how often it goes out again. */
interface Point {
  /** Its own FAILPOINT. */
  readonly name?: string;
  /** In the middle of a dialogue the server tells, and the worker is killed from outside. */
  readonly holdAt?: HoldAt;
  readonly status: 'sending' | 'sent';
  readonly isAttempted: boolean;
  readonly copies: 0 | 1;
  readonly furtherCopies: 0 | 1;
}

const points: readonly Point[] = [
  { name: 'worker.after_claim', status: 'sending', isAttempted: false, copies: 0, furtherCopies: 1 },
  { name: 'worker.after_attempt_row', status: 'sending', isAttempted: true, copies: 0, furtherCopies: 1 },
  { holdAt: 'after_mail_from', status: 'sending', isAttempted: true, copies: 0, furtherCopies: 1 },
  { holdAt: 'mid_data', status: 'sending', isAttempted: true, copies: 0, furtherCopies: 1 },
  { holdAt: 'after_dot', status: 'sending', isAttempted: true, copies: 1, furtherCopies: 1 },
  {
    name: 'worker.after_250_before_record',
    status: 'sending',
    isAttempted: true,
    copies: 1,
    furtherCopies: 1,
  },
  {
    name: 'worker.after_record_before_job_done',
    status: 'sent',
    isAttempted: true,
    copies: 1,
    furtherCopies: 0,
  },
];

/** The provider has the mail and we do not know: here its own word can save the second copy. */
const isInDoubt = ({ status, copies }: Point): boolean => status === 'sending' && copies === 1;

/** Half of the messages that are in doubt get the provider's word. */
const messagesAt = (point: Point): number => (isInDoubt(point) ? 2 * repeats : repeats);

interface Dying {
  readonly point: Point;
  readonly gate: SmtpGate;
  /** Resolves to the time, in ms, when as many messages as it has hands were at the point and the worker was dead. */
  died(): Promise<number>;
}

/** A worker that takes no more messages than are to stand at its point. */
const startDying = async (scene: Scene, point: Point, opened: AsyncDisposableStack): Promise<Dying> => {
  const { name, holdAt } = point;
  const gate = opened.use(await openSmtpGate(scene.inbox.smtpUrl, holdAt));
  const count = messagesAt(point);
  const worker = await scene.startWorker({
    SMTP_URL: gate.url,
    WORKER_CONCURRENCY: String(count),
    SMTP_POOL_MAX: String(count),
    // Only who comes after them all takes over, however slow the machine is.
    SWEEP_INTERVAL_MS: '60000',
    ...(name !== undefined && { FAILPOINT: `${name}:${count}` }),
  });
  const died = async (): Promise<number> => {
    if (name !== undefined) await worker.diedAt(name);
    else {
      await waitUntil(`${count} dialogues stand at ${holdAt}`, () => gate.heldCount() === count, 30_000);
      await worker.kill();
    }
    return Date.now();
  };
  return { point, gate, died };
};

interface Story {
  readonly status: string;
  readonly attempts: number;
  readonly isAttempted: boolean;
  /** When the provider's 250 was on record, in ms; NaN before. */
  readonly sentAtMs: number;
}

/** What is on record of each address's one message. */
const readStories = async (client: ApiClient): Promise<ReadonlyMap<string, Story>> => {
  const messages = await client.messages();
  const stories = messages.map(async ({ id, email, status, attempts }): Promise<[string, Story]> => {
    const { timeline } = await client.story(id);
    const isAttempted = timeline.some(({ what }) => what.startsWith('Attempt'));
    const sentAt = timeline.find(({ what }) => what.endsWith('The provider took it.'))?.at;
    return [email ?? id, { status, attempts, isAttempted, sentAtMs: Date.parse(sentAt ?? '') }];
  });
  return new Map(await Promise.all(stories));
};

/** The addresses whose messages each worker had in hand, told by the server that it spoke to, or by what is on record. */
const victimsOf = (
  dying: readonly Dying[],
  stories: ReadonlyMap<string, Story>,
): ReadonlyMap<Point, readonly string[]> => {
  const spokenOf = new Set(dying.flatMap(({ gate }) => gate.recipients()));
  const unspoken = [...stories].filter(([address]) => !spokenOf.has(address));
  return new Map(
    dying.map(({ point, gate }) => [
      point,
      gate.recipients().length > 0
        ? gate.recipients()
        : unspoken
            .filter(([, { isAttempted }]) => isAttempted === point.isAttempted)
            .map(([address]) => address),
    ]),
  );
};

describeWithRedis('a worker killed at any point of its way', (redisUrl) => {
  test('nothing is lost, only what was in doubt goes out twice, and all is back within 30 s', async ({
    annotate,
  }) => {
    // LEASE_SECONDS and SWEEP_INTERVAL_MS stay as they come: this is what an operator gets.
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      RATE_LIMIT_IP: 'off',
      DATABASE_TIMEOUT_MS: '20000',
    });
    await using opened = new AsyncDisposableStack();
    const { client } = await scene.startApi();
    const dying: Dying[] = [];
    // Two at a time: more would only keep each other from getting ready.
    for (let index = 0; index < points.length; index += 2) {
      const two = points.slice(index, index + 2).map((point) => startDying(scene, point, opened));
      dying.push(...(await Promise.all(two)));
    }
    const all = addresses(
      'ada',
      points.reduce((sum, point) => sum + messagesAt(point), 0),
    );
    // One after the other, so that each has a job of its own and no worker takes more than it can hold.
    for (const address of all) expect((await client.register(address)).status).toBe(201);
    const deaths = await Promise.all(
      dying.map(async ({ point, died }): Promise<[Point, number]> => [point, await died()]),
    );
    const diedAtMs = new Map(deaths);

    const then = await readStories(client);
    const victims = victimsOf(dying, then);
    const copiesThen = await countByRecipient(scene.inbox);
    for (const [point, ofPoint] of victims) {
      expect(ofPoint).toHaveLength(messagesAt(point));
      for (const address of ofPoint) {
        const { status, isAttempted, copies } = point;
        expect({ ...then.get(address), copies: copiesThen.get(address) ?? 0 }).toMatchObject({
          status,
          attempts: 1,
          isAttempted,
          copies,
        });
      }
    }

    const spokenFor = new Set<string>();
    for (const [point, ofPoint] of victims) {
      if (!isInDoubt(point)) continue;
      for (const address of ofPoint.slice(0, repeats)) {
        const mail = await nextMail(scene.inbox, address);
        expect((await reportEvent(client, 'delivered', mail)).status).toBe(200);
        spokenFor.add(address);
      }
    }

    await scene.startWorker();
    const successorAtMs = Date.now();
    await untilSettled(client, 60_000);
    const mails = await mailsByRecipient(scene.inbox);
    const now = await readStories(client);
    const seconds: number[] = [];
    for (const [point, ofPoint] of victims) {
      for (const address of ofPoint) {
        const further = spokenFor.has(address) ? 0 : point.furtherCopies;
        const copies = mails.get(address) ?? [];
        expect([address, copies.length]).toEqual([address, point.copies + further]);
        expect(new Set(copies.map((mail) => linkOf(mail).href)).size).toBe(1);
        expect(new Set(copies.map((mail) => headerOf(mail, 'message-id'))).size).toBe(1);
        for (const mail of copies.slice(0, 1))
          expect(await client.check(tokenOf(mail))).toEqual({ valid: true, email: address });
        const { status, sentAtMs = Number.NaN } = now.get(address) ?? {};
        expect(status).toBe(spokenFor.has(address) ? 'delivered' : 'sent');
        // A successor that was not there yet when the lease was over is the slowness of the machine.
        const fromMs = Math.max(diedAtMs.get(point) ?? 0, successorAtMs - leaseMs);
        if (further > 0) seconds.push((sentAtMs - fromMs) / 1000);
      }
    }
    expect(seconds).toHaveLength(6 * repeats);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(30);
    await annotate(
      `${all.length} messages at ${points.length} points; taken over and sent ${Math.max(...seconds).toFixed(1)} s after the death at most`,
    );
  });

  test('what was in hand stays lost where nobody sweeps, and a point that is not reached is told', async () => {
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      RATE_LIMIT_IP: 'off',
      LEASE_SECONDS: '3',
      SWEEP_INTERVAL_MS: '200',
      DATABASE_TIMEOUT_MS: '20000',
    });
    const { client } = await scene.startApi();
    const point = 'worker.after_attempt_row';
    const [dying] = await Promise.all([
      scene.startWorker({ FAILPOINT: `${point}:2` }),
      // It listens where nobody rings, and after its first round the next sweep is a minute away.
      scene.startWorker({ SWEEP_INTERVAL_MS: '60000', ...postgresSettings }),
    ]);
    const [first = '', second = ''] = addresses('ada', 2);
    await client.register(first);
    await expect(dying.diedAt(point, 1000)).rejects.toThrow(/in vain until worker \d comes to/);
    await client.register(second);
    await expect(dying.diedAt('worker.after_claim')).rejects.toThrow(/SIGKILL and not at worker.after_claim/);
    await dying.diedAt(point);

    // Twice as long as the lease and a sweep take.
    await expect(untilSettled(client, 7000)).rejects.toThrow(/in vain until every message is settled/);
    expect(await scene.inbox.messages()).toEqual([]);
    await scene.startWorker();
    await untilSettled(client);
    expect(await countByRecipient(scene.inbox)).toEqual(
      new Map([
        [first, 1],
        [second, 1],
      ]),
    );
  });
});
