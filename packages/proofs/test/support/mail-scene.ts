import { waitUntil } from '@reconfirm/local-stack';
import { expect } from 'vitest';
import type { Answer } from '../../src/http-client.ts';
import type { RunningApi, Settings } from '../../src/installation.ts';
import { atSteadyRate, untilSettled } from '../../src/load.ts';
import { nextMail } from '../../src/mails.ts';
import type { ServiceProcess } from '../../src/service-process.ts';
import { expectOneMailForEach } from './one-mail-each.ts';
import { openSharedScene } from './scene.ts';

/** A registration and one resend for each address, and no more for ten minutes. */
const limits = {
  RATE_LIMIT_ADDRESS: '2/600',
  RATE_LIMIT_IP: 'off',
  SWEEP_INTERVAL_MS: '500',
};

/** What was asked at a steady rate. */
export interface Load {
  readonly answers: readonly Answer[];
  /** How long the API took at the same times to answer what needs no store. */
  readonly turnsMs: readonly number[];
}

/** An API and a worker whose Redis is broken and mended while mails are asked for. */
export interface MailScene extends AsyncDisposable {
  readonly api: RunningApi;
  readonly worker: ServiceProcess;
  readonly redisPrefix: string;
  /** Registers a new address; what is accepted is owed a mail. */
  register(): Promise<Answer>;
  /** The same at a steady rate; `disturb` is told of each request before it goes. */
  registerMany(count: number, perSecond: number, disturb?: (index: number) => Promise<void>): Promise<Load>;
  /** A new address that has one request left, and its mail. */
  addressWithOneLeft(): Promise<string>;
  /** Of fifty requests for the address, all at once, so many are accepted, and the others refused. */
  expectAcceptedOfFifty(email: string, accepted: number): Promise<void>;
  /** One that has used up its requests stays refused; of fifty at once one that has not gets one. */
  expectLimitsHold(): Promise<void>;
  /** Resolves when limits are counted in Redis and jobs ring there, and a mail has come of one; tells the ms. */
  untilUsed(): Promise<number>;
  /** Every accepted request has become one mail, and the newest link of each address works. */
  expectEverythingDelivered(): Promise<void>;
  printLogs(): void;
}

/** Longer than the 10 s that are promised, for a machine that is busy with other things. */
const USED_TIMEOUT_MS = 30_000;

export interface MailSceneOptions {
  readonly settings: Settings;
  /** The names of all keys in Redis. */
  readonly redisKeys: () => Promise<readonly string[]>;
}

export const openMailScene = async ({ settings, redisKeys }: MailSceneOptions): Promise<MailScene> => {
  await using opened = new AsyncDisposableStack();
  const scene = opened.use(await openSharedScene({ ...settings, ...limits }));
  // Without Redis from the start, they have to start all the same.
  const [api, worker] = await Promise.all([scene.startApi(), scene.startWorker()]);
  const { client } = api;
  const owed: string[] = [];
  let made = 0;

  const registerAs = async (email: string): Promise<Answer> => {
    const answer = await client.register(email);
    if (answer.status === 201) owed.push(email);
    return answer;
  };
  const newAddress = (): string => `person-${(made += 1)}@example.com`;
  const register = (): Promise<Answer> => registerAs(newAddress());

  const addressWithOneLeft = async (): Promise<string> => {
    const email = newAddress();
    await waitUntil(
      'the address is registered',
      async () => (await registerAs(email)).status === 201,
      20_000,
    );
    await nextMail(scene.inbox, email);
    return email;
  };
  const expectAcceptedOfFifty = async (email: string, accepted: number): Promise<void> => {
    const counts = { accepted: 0, refused: 0, unavailable: 0 };
    do {
      counts.unavailable = 0;
      const answers = await Promise.all(Array.from({ length: 50 }, () => client.resend(email)));
      for (const { status } of answers) {
        if (status === 200) owed.push(email);
        counts[status === 200 ? 'accepted' : status === 429 ? 'refused' : 'unavailable'] += 1;
      }
      // A busy machine may not manage fifty at once; those of them that it put off come again.
    } while (counts.unavailable > 0 && counts.accepted + counts.refused < 500);
    expect(counts.accepted).toBe(accepted);
    expect(counts.refused).toBeGreaterThan(0);
  };
  const spent = await addressWithOneLeft();
  expect((await client.resend(spent)).status).toBe(200);
  owed.push(spent);

  const isUsed = async (): Promise<boolean> => {
    // What is wrong with Redis, or no longer, is noticed by the next request.
    await register();
    const states = await Promise.all([
      api.metric('reconfirm_limiter_working'),
      api.metric('reconfirm_queue_working'),
      worker.metric('reconfirm_queue_working'),
    ]);
    const keys = states.every((state) => state === 1) ? await redisKeys() : [];
    return ['limit}:address:', '}:mail:events'].every((part) => keys.some((key) => key.includes(part)));
  };

  const stack = opened.move();
  return {
    api,
    worker,
    redisPrefix: scene.redisPrefix,
    register,
    registerMany: async (count, perSecond, disturb) => {
      const both = await atSteadyRate(count, perSecond, async (index) => {
        await disturb?.(index);
        return Promise.all([register(), client.ask('GET', '/livez')]);
      });
      return { answers: both.map(([answer]) => answer), turnsMs: both.map(([, turn]) => turn.tookMs) };
    },
    addressWithOneLeft,
    expectAcceptedOfFifty,
    expectLimitsHold: async () => {
      const { status, body } = await client.resend(spent);
      expect([status, body.reason]).toEqual([429, 'RESEND_COOLDOWN']);
      const email = await addressWithOneLeft();
      await expectAcceptedOfFifty(email, 1);
    },
    untilUsed: async () => {
      const startedAt = performance.now();
      await expect.poll(isUsed, { timeout: USED_TIMEOUT_MS, interval: 200 }).toBe(true);
      await addressWithOneLeft();
      return performance.now() - startedAt;
    },
    expectEverythingDelivered: async () => {
      await untilSettled(client);
      await expectOneMailForEach(scene.inbox, client, owed);
    },
    printLogs: scene.printLogs,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
