import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, startPostgres } from '@reconfirm/local-stack';
import { createApiClient } from '../api-client.ts';
import { createInstallation, redisSettings, type Settings } from '../installation.ts';
import { migrateByCommand } from '../own-postgres.ts';
import { startOwnRedis } from '../own-redis.ts';
import { finishedJobs } from '../redis-keys.ts';
import { type Ablation, type AblationName, ablations } from './ablations.ts';
import { createCaller, type CallerStats } from './caller.ts';
import { checkEverything, type Checked } from './check.ts';
import { startFaults, type RunningFaults } from './faults.ts';
import { startFleet, type Fleet, type Footprint, type ServiceKind } from './fleet.ts';
import { startLoad, type RunningLoad } from './load.ts';
import { startMailSink, type MailSink } from './mail-sink.ts';
import { createPeople, type PeopleStats } from './people.ts';
import { createProviderReports } from './provider-reports.ts';
import { createRandom, type Random } from './random.ts';
import type { Copy } from './read-copy.ts';
import { openChaosRows, type ChaosRows } from './rows.ts';
import type { Subject } from './subjects.ts';
import { createViolations, invariants, type Violations } from './violations.ts';

export interface ChaosOptions {
  /** Repeats every choice of a run; not its timing. */
  readonly seed: number;
  readonly requests: number;
  readonly perSecond: number;
  /** Mean time between two faults of processes and stores. */
  readonly faultEveryMs: number;
  readonly deployEveryMs: number;
  /** Share of mails that the server mishandles. */
  readonly mailFaultShare: number;
  /** After the load, until everything has to be settled. */
  readonly drainMs: number;
  readonly redisBinary: string;
  /** What is broken on purpose; none in a run that counts. */
  readonly ablations?: readonly AblationName[];
  /** Shared library that shifts a process's clock, for one worker; none: its clock is right. */
  readonly clockLibrary?: string | undefined;
  /** Told when a part of the run begins, and of the first violations of each kind. */
  readonly onStep?: (step: string) => void;
  readonly onProgress?: (progress: ChaosProgress) => void;
  readonly progressEveryMs?: number;
}

export interface ChaosProgress {
  readonly phase: 'load' | 'drain' | 'check';
  readonly asked: number;
  readonly copies: number;
  readonly faults: RunningFaults['counts'];
  readonly mailFaults: MailSink['faults'];
  readonly unavailable: number;
  readonly violations: number;
}

export interface ChaosResult {
  readonly seed: number;
  readonly requests: number;
  readonly accepted: number;
  readonly loadSeconds: number;
  readonly drainSeconds: number;
  readonly faults: RunningFaults['counts'];
  readonly mailFaults: MailSink['faults'];
  readonly starts: number;
  readonly stopMs: readonly number[];
  readonly caller: CallerStats;
  readonly people: PeopleStats;
  readonly reportsTaken: number;
  /** From the answer to the first copy, in seconds. */
  readonly firstCopySeconds: readonly number[];
  readonly checked: Checked;
  readonly footprints: Readonly<Record<ServiceKind, readonly Footprint[]>>;
  readonly bloat: readonly string[];
  readonly violations: Violations;
  /** Every line of every process; kept when something was wrong. */
  readonly logDir: string;
}

const LIMIT = { count: 4, seconds: 30 };
const redisPrefix = 'chaos';
/** The default. */
const leaseSeconds = 10;
const CLOCK_SKEW_MINUTES = 5;
const FOOTPRINT_EVERY_MS = 10_000;

/**
 * Runs an installation of real processes on stores of its own under load, breaks it all the time, lets it
 * come to rest, and checks every invariant. Leaves nothing behind, unless something was wrong: then the logs. Throws when it cannot even begin.
 */
export const runChaos = async (options: ChaosOptions): Promise<ChaosResult> => {
  await using stack = new AsyncDisposableStack();
  const random = createRandom(options.seed);
  const violations = createViolations((invariant, example) =>
    options.onStep?.(`VIOLATION: ${invariants[invariant]}: ${example}`),
  );
  const broken: readonly Ablation[] = (options.ablations ?? []).map((name) => ablations[name]);
  const folder = mkdtempSync(join(tmpdir(), 'reconfirm-chaos-'));
  const logDir = join(folder, 'logs');
  mkdirSync(logDir);
  stack.defer(() => {
    if (violations.total() === 0 || broken.length > 0) rmSync(folder, { recursive: true, force: true });
  });

  options.onStep?.('starting Redis and Postgres');
  const redis = stack.use(await startOwnRedis(options.redisBinary));
  const databaseUrl = await startDatabase(folder, stack);
  const rows = openChaosRows(databaseUrl);
  await rows.watch();
  await rows.sabotage(broken.flatMap(({ statements }) => statements ?? []));

  const sink = stack.use(
    await startMailSink({
      random: random.fork(),
      faultShare: options.mailFaultShare,
    }),
  );
  const adminKey = 'admin-key-of-the-chaos-run-00000';
  const installation = stack.use(
    await createInstallation({
      databaseUrl,
      redisPrefix,
      smtpUrl: sink.url,
      logDir,
      settings: {
        ...redisSettings(redis.url),
        RATE_LIMIT_IP: 'off',
        LEASE_SECONDS: String(leaseSeconds),
        RATE_LIMIT_ADDRESS: `${LIMIT.count}/${LIMIT.seconds}`,
        ...Object.assign({}, ...broken.map(({ settings }) => settings)),
      },
    }),
  );
  options.onStep?.('starting 2 APIs and 3 workers');
  const fleet = await startFleet({
    installation,
    random: random.fork(),
    violations,
    apis: 2,
    workers: 3,
    apiSettings: { ADMIN_KEY: adminKey },
    workerSettings: (index) => (index === 0 ? skewed(options.clockLibrary) : {}),
  });
  stack.defer(() => fleet.stop());

  options.onStep?.('load and faults begin');
  const caller = stack.use(createCaller(fleet.apiPorts, random.fork(), violations));
  const people = createPeople(caller, random.fork(), violations, `chaos-${options.seed}`);
  const reports = createProviderReports(caller, random.fork(), violations);
  const load = startLoad({
    requests: options.requests,
    perSecond: options.perSecond,
    random: random.fork(),
    people,
  });
  const following = new Set<Promise<void>>();
  const firstCopySeconds: number[] = [];
  sink.follow(followCopies({ load, random: random.fork(), people, reports, following, firstCopySeconds }));

  const startedAt = performance.now();
  const faults = startFaults(
    { fleet, redis, rows, sink },
    { random: random.fork(), everyMs: options.faultEveryMs, deployEveryMs: options.deployEveryMs },
  );
  const footprints = watchFootprints(fleet);
  stack.defer(footprints.stop);
  let phase: ChaosProgress['phase'] = 'load';
  const progress = setInterval(() => {
    options.onProgress?.({
      phase,
      asked: load.asked(),
      copies: load.subjects.reduce((sum, { copies }) => sum + copies.length, 0),
      faults: faults.counts,
      mailFaults: sink.faults,
      unavailable: caller.stats.unavailable,
      violations: violations.total(),
    });
  }, options.progressEveryMs ?? 10_000);
  stack.defer(() => clearInterval(progress));

  await load.finished;
  const loadSeconds = (performance.now() - startedAt) / 1000;
  phase = 'drain';
  options.onStep?.('no more load and faults; coming to rest');
  const drainFrom = performance.now();
  await faults.stop();
  sink.behave();
  const client = stack.use(createApiClient(fleet.apiPorts.at(-1) ?? 0, adminKey));
  await drain(rows, options.drainMs, () => client.messages({ status: 'queued,sending,deferred' }));
  await settle(following);
  const drainSeconds = (performance.now() - drainFrom) / 1000;
  footprints.stop();

  phase = 'check';
  options.onStep?.('checking');
  const { subjects } = load;
  if (broken.some(({ plantsSecret }) => plantsSecret === true)) await plantSecret(subjects, rows, logDir);
  const checked = await checkEverything({
    subjects,
    client,
    caller,
    reports,
    rows,
    violations,
    logDir,
    limit: LIMIT,
    leaseSeconds,
    finishedJobs: await finishedJobs(redis.url, redisPrefix),
  });
  return {
    seed: options.seed,
    requests: load.asked(),
    accepted: subjects.reduce((sum, { accepted }) => sum + accepted, 0),
    loadSeconds,
    drainSeconds,
    faults: faults.counts,
    mailFaults: sink.faults,
    starts: fleet.starts(),
    stopMs: fleet.stopMs,
    caller: caller.stats,
    people: people.stats,
    reportsTaken: reports.taken.size,
    firstCopySeconds,
    checked,
    footprints: footprints.taken,
    bloat: await rows.bloat(),
    violations,
    logDir,
  };
};

/** A Postgres that survives the death of a backend without losing a commit, with the newest schema. */
const startDatabase = async (folder: string, stack: AsyncDisposableStack): Promise<string> => {
  const postgres = stack.use(await startPostgres({ dataDir: join(folder, 'postgres'), durable: true }));
  await createDatabase(postgres.url('postgres'), 'chaos');
  const url = postgres.url('chaos');
  await migrateByCommand(url);
  return url;
};

/** Its wall clock is wrong; its timers are right. */
const skewed = (library: string | undefined): Settings =>
  library === undefined
    ? {}
    : {
        LD_PRELOAD: library,
        FAKETIME: `+${CLOCK_SKEW_MINUTES}m`,
        DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };

interface Following {
  readonly load: RunningLoad;
  readonly random: Random;
  readonly people: ReturnType<typeof createPeople>;
  readonly reports: ReturnType<typeof createProviderReports>;
  readonly following: Set<Promise<void>>;
  readonly firstCopySeconds: number[];
}

/** What comes of a mail that has arrived: a click, and the provider's reports, in any order. */
const followCopies = (parts: Following): ((copy: Copy) => void) => {
  const { load, random, people, reports, following, firstCopySeconds } = parts;
  const later = (work: () => Promise<void>, mostMs: number): void => {
    const waiting = delay(random.between(0, mostMs)).then(work);
    following.add(waiting);
    void waiting.finally(() => following.delete(waiting));
  };
  return (copy) => {
    const subject = load.subjectOf(copy.to);
    if (subject === undefined) return;
    if (subject.copies.length > 0 || subject.acceptedAt > 0) noteLatency(subject, copy, firstCopySeconds);
    subject.copies.push(copy);
    if (subject.kind === 'person') later(() => people.click(subject, copy), 1);
    if (subject.kind === 'bouncing') {
      // Delivered and then bounced is what SES documents; here it comes in any order, and at once.
      later(() => reports.send(copy, 'delivered'), 4000);
      later(() => reports.send(copy, random.chance(0.3) ? 'complained' : 'bounced'), 4000);
      return;
    }
    // One report in ten never comes, one in ten before the server has answered.
    if (random.chance(0.1)) return;
    later(() => reports.send(copy, 'delivered'), random.chance(0.1) ? 0 : 15_000);
  };
};

/** Only where it is certain which request the mail answers. */
const noteLatency = (subject: Subject, copy: Copy, firstCopySeconds: number[]): void => {
  const isFirst = !subject.copies.some(({ messageId }) => messageId === copy.messageId);
  if (isFirst && subject.asking === 0 && subject.accepted === 1)
    firstCopySeconds.push((copy.arrivedAt - subject.acceptedAt) / 1000);
};

const drain = async (
  rows: ChaosRows,
  drainMs: number,
  unsettled: () => Promise<readonly unknown[]>,
): Promise<void> => {
  const deadlineAt = performance.now() + drainMs;
  while (performance.now() < deadlineAt) {
    await rows.hurry();
    if ((await unsettled()).length === 0) return;
    await delay(500);
  }
};

const settle = async (following: ReadonlySet<Promise<void>>): Promise<void> => {
  while (following.size > 0) await Promise.all(following);
};

const watchFootprints = (
  fleet: Fleet,
): { readonly taken: Record<ServiceKind, Footprint[]>; readonly stop: () => void } => {
  const taken: Record<ServiceKind, Footprint[]> = { api: [], worker: [] };
  const timer = setInterval(() => {
    const { api, worker } = fleet.footprints();
    if (api !== undefined) taken.api.push(api);
    if (worker !== undefined) taken.worker.push(worker);
  }, FOOTPRINT_EVERY_MS);
  return { taken, stop: () => clearInterval(timer) };
};

const plantSecret = async (subjects: readonly Subject[], rows: ChaosRows, logDir: string): Promise<void> => {
  const token = subjects.flatMap(({ copies }) => copies)[0]?.token ?? '';
  await rows.sabotage([`UPDATE attempts SET reply = '250 kept ${token}' WHERE number = 1`]);
  appendFileSync(join(logDir, 'planted.log'), `{"msg":"sent","url":"/v1/verify-email?token=${token}"}\n`);
};
