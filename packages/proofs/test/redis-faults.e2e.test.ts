import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { percentile } from '../src/load.ts';
import { measure, rssGrowthMb } from '../src/measure.ts';
import { redisBinary, startOwnRedis } from '../src/own-redis.ts';
import type { Load } from './support/mail-scene.ts';
import { openRedisFaultScene, type RedisFaultScene } from './support/redis-fault-scene.ts';

/** Promised for 99 of 100 answers: they wait for the limiter's deadline (150 ms), then for Postgres. */
const ANSWER_MS_MAX = 300;
/**
 * A process that is ready for a turn waits for one while the machine does other things; an answer takes about ten
 * turns of the API and of Postgres. How long one turn takes is measured at the same time, by a question that needs
 * no store; a few ms where nothing else runs. Without its deadline a request would wait for Redis for 75 s.
 */
const TURNS_OF_AN_ANSWER = 10;
/**
 * Promised: 10 s on a machine of its own. A connection is tried again each 2 s, a paused worker each 5 s; with two
 * other such files on the same two processors 17 s were seen.
 */
const RECOVERY_MS_MAX = 30_000;
/** How long an outage is watched for what grows; by hand 60. */
const OUTAGE_SECONDS = Number(process.env['PROOFS_OUTAGE_SECONDS'] ?? '6');

const binary = await redisBinary();

describe.runIf(binary !== undefined)('an API and a worker (Redis)', () => {
  let scene: RedisFaultScene;
  beforeAll(async () => {
    // Its first test is about a Redis that was never there.
    scene = await openRedisFaultScene(binary ?? '', 'closed');
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  type Annotate = (message: string) => Promise<unknown>;

  const expectAnswers = async (load: Load, annotate: Annotate): Promise<void> => {
    onTestFailed(() => scene.printLogs());
    expect(load.answers.filter(({ status }) => status !== 201)).toEqual([]);
    const times = load.answers.map(({ tookMs }) => tookMs);
    const [p50, p99, turnMs] = [
      percentile(times, 0.5),
      percentile(times, 0.99),
      percentile(load.turnsMs, 0.9),
    ];
    await annotate(
      `answers: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; a turn ${turnMs.toFixed(0)} ms`,
    );
    // Three times what is promised: three such files share two processors in CI. The figure itself is told above.
    expect(p99).toBeLessThan(3 * ANSWER_MS_MAX + TURNS_OF_AN_ANSWER * turnMs);
  };

  /** From here on Redis is well again. */
  const expectRecovery = async (annotate: Annotate): Promise<void> => {
    onTestFailed(() => scene.printLogs());
    const tookMs = await scene.untilUsed();
    await annotate(`used again after ${(tookMs / 1000).toFixed(1)} s`);
    expect(tookMs).toBeLessThan(RECOVERY_MS_MAX);
    await scene.expectLimitsHold();
    await scene.expectEverythingDelivered();
  };

  test('started without Redis, are ready, and every mail goes, and limits hold', async ({ annotate }) => {
    await expectAnswers(await scene.registerMany(20, 10), annotate);
    await scene.expectLimitsHold();
    await scene.expectEverythingDelivered();
    expect(await scene.api.metric('reconfirm_limiter_working')).toBe(0);
  });

  test('use a Redis that comes after them', async ({ annotate }) => {
    await scene.proxy.become('open');
    await expectRecovery(annotate);
  });

  test('lose nothing and open nothing when it is killed under load, and use the empty one that follows', async ({
    annotate,
  }) => {
    await scene.mend();
    const load = await scene.registerMany(30, 10, async (index) => {
      if (index === 10) await scene.redis.kill();
    });
    await expectAnswers(load, annotate);
    await scene.expectLimitsHold();
    await scene.redis.restart();
    await expectRecovery(annotate);
  });

  test('lose nothing and open nothing when it is emptied under load', async ({ annotate }) => {
    await scene.mend();
    const email = await scene.addressWithOneLeft();
    const load = await scene.registerMany(20, 10, async (index) => {
      if (index % 10 === 5) await scene.redis.command('FLUSHALL');
    });
    await scene.redis.command('FLUSHALL');
    await scene.expectAcceptedOfFifty(email, 1);
    await scene.redis.command('FLUSHALL');
    await scene.expectAcceptedOfFifty(email, 0);
    await expectAnswers(load, annotate);
    await expectRecovery(annotate);
  });

  test('complain less than ten times a second about one that is full, and rest meanwhile', async ({
    annotate,
  }) => {
    await scene.mend();
    await scene.redis.command('CONFIG', 'SET', 'maxmemory', '1');
    const measured = Promise.all([scene.api, scene.worker].map((service) => measure(service, 3)));
    await expectAnswers(await scene.registerMany(20, 10), annotate);
    for (const { name, complaintsPerSecond, cpuShare } of await measured) {
      await annotate(
        `${name}: ${complaintsPerSecond.toFixed(1)} complaints a second, ${(cpuShare * 100).toFixed(0)} % CPU`,
      );
      expect(complaintsPerSecond).toBeLessThanOrEqual(10);
      // With 10 requests a second to answer or to send; one that spins takes all that it can get.
      expect(cpuShare).toBeLessThan(0.5);
    }
    await scene.expectLimitsHold();
    await scene.redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await expectRecovery(annotate);
  });

  test('say on /readyz that one evicts, and are ready once it does not', async () => {
    await scene.mend();
    const isReady = () =>
      Promise.all([scene.api, scene.worker].map(async ({ readiness }) => (await readiness()).status));
    await scene.redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await isReady()).toEqual([503, 503]);
    for (const service of [scene.api, scene.worker])
      expect(JSON.stringify((await service.readiness()).body)).toContain('maxmemory-policy allkeys-lru');
    await scene.redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    expect(await isReady()).toEqual([200, 200]);
  });

  test('lose nothing and open nothing on a replica that is promoted, and that missed the last writes', async ({
    annotate,
  }) => {
    await scene.mend();
    await using other = await startOwnRedis(binary ?? '', {
      password: scene.redis.password,
      settings: { replicaof: `127.0.0.1 ${scene.redis.port}` },
    });
    await expect
      .poll(async () => String(await other.command('INFO', 'replication')), { timeout: 10_000 })
      .toContain('master_link_status:up');
    await other.command('REPLICAOF', 'NO', 'ONE');
    // What they write now the other never hears of.
    const email = await scene.addressWithOneLeft();
    await scene.expectAcceptedOfFifty(email, 1);
    // From here on theirs is the other's replica, read-only, with what that one knew.
    await scene.redis.command('REPLICAOF', '127.0.0.1', other.port);
    await expect
      .poll(async () => String(await scene.redis.command('INFO', 'replication')), { timeout: 10_000 })
      .toContain('master_link_status:up');
    await expectAnswers(await scene.registerMany(20, 10), annotate);
    await scene.expectAcceptedOfFifty(email, 0);
    await scene.redis.command('REPLICAOF', 'NO', 'ONE');
    await scene.expectAcceptedOfFifty(email, 0);
    await expectRecovery(annotate);
    await scene.expectAcceptedOfFifty(email, 0);
  });

  test('lose nothing and open nothing when their connections die between what Redis has done and its answer', async ({
    annotate,
  }) => {
    await scene.mend();
    const lost: Promise<void>[] = [];
    const load = await scene.registerMany(30, 10, async (index) => {
      // A limit that is counted or a job that is added, whichever comes next: both are asked for by a script.
      if (index % 3 === 0) lost.push(scene.proxy.loseAnswerTo('evalsha'));
    });
    await expectAnswers(load, annotate);
    await expectRecovery(annotate);
    // Each has happened, or this would have shown nothing.
    await Promise.all(lost);
    await annotate(`${lost.length} answers lost`);
  });

  test('answer and send in time with one that is slow', async ({ annotate }) => {
    await scene.mend();
    // There and back it takes longer than a ring may (300 ms): jobs are added after the ringer has given up.
    await scene.proxy.become({ latencyMs: 250, jitterMs: 100 });
    await expectAnswers(await scene.registerMany(20, 10), annotate);
    await scene.expectLimitsHold();
    await scene.expectEverythingDelivered();
    await scene.proxy.become('open');
    await expectRecovery(annotate);
  });

  test('answer and send in time with one that is silent, and do not grow', async ({ annotate }) => {
    await scene.mend();
    // A process grows by some 25 MB in its first fifteen seconds of work, whatever becomes of Redis.
    await scene.registerMany(OUTAGE_SECONDS * 2, 5);
    await scene.proxy.become('silent');
    const services = [scene.api, scene.worker];
    // What it takes to notice is no growth.
    await expectAnswers(await scene.registerMany(20, 10), annotate);
    const grown = Promise.all(services.map((service) => rssGrowthMb(service, OUTAGE_SECONDS)));
    await scene.registerMany(OUTAGE_SECONDS * 5, 5);
    for (const [index, mb] of (await grown).entries()) {
      await annotate(`${services[index]?.name}: ${mb.toFixed(1)} MB more after ${OUTAGE_SECONDS} s`);
      expect(mb).toBeLessThan(20);
    }
    await scene.expectLimitsHold();
    await scene.proxy.become('open');
    await expectRecovery(annotate);
  });

  test('find it again when their connections went silent and nobody ever ends them', async ({ annotate }) => {
    await scene.mend();
    scene.proxy.freezeConnections();
    await expectAnswers(await scene.registerMany(20, 10), annotate);
    await expectRecovery(annotate);
  });

  test('end in time on SIGTERM with one that is silent', async ({ annotate }) => {
    await scene.mend();
    await scene.proxy.become('silent');
    await scene.registerMany(10, 20);
    const ends = await Promise.all([scene.api, scene.worker].map((service) => service.terminate()));
    for (const { code, tookMs } of ends) {
      await annotate(`ended after ${(tookMs / 1000).toFixed(1)} s`);
      // Rejects after 25 s, which is what is promised.
      expect(code).toBe(0);
    }
  });
});
