import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Database, openDatabase } from '@reconfirm/db/database';
import { migrate } from '@reconfirm/db/migrator';
import {
  createDatabase,
  findFreePort,
  findRedisServer,
  startPostgres,
  startRedis,
} from '@reconfirm/local-stack';
import { createDoorbell, type Doorbell } from '@reconfirm/queue/doorbell';
import { connectForCalls } from '@reconfirm/queue/redis';
import { availableLocales, createRenderer } from '../src/render.ts';
import { hashKey, registerMany } from '../test/support/requests.ts';
import { type Child, startChild, startWorkerProcess, type WorkerProcess } from './processes.ts';

const usage = `Usage: node apps/mailer-worker/bench/worker-loop.ts [--messages 2000] [--rounds 5]
           [--concurrency <WORKER_CONCURRENCY>] [--help]

Measures the whole loop of the worker (rows in Postgres, a real queue in Redis, the real process, SMTP)
against nodemailer's pool alone, which hands the same kind of mail to the same sink over as many
connections. Rounds alternate; printed are the messages a second of each, the medians and their ratio.
The processor time of one message is printed too: other work on the machine changes it less.
Starts private stores and needs redis-server or valkey-server on PATH.`;

const connections = 10;
const prefix = 'bench';

interface Bench {
  readonly db: Database;
  readonly doorbell: Doorbell;
  readonly sink: Child;
  readonly raw: Child;
  readonly worker: WorkerProcess;
  readonly smtpUrl: string;
  readonly mail: { readonly subject: string; readonly text: string; readonly html: string };
}

interface Measured {
  readonly perSecond: number;
  /** Processor time of the sending process for one message. */
  readonly cpuMs: number;
}

/** From the first ring until every row says `sent`. */
const measureWorker = async (bench: Bench, count: number, round: number): Promise<Measured> => {
  await bench.sink.ask({ expect: count });
  const ids = await registerMany(bench.db, count, `round-${round}`);
  const arrived = bench.sink.ask();
  const cpuBeforeMs = await bench.worker.readCpuMs();
  const startedMs = performance.now();
  // As the API does: messages of one turn share jobs.
  for (const messageId of ids) bench.doorbell.ring({ messageId, attempt: 0 });
  await arrived;
  for (;;) {
    const open = await bench.db
      .selectFrom('messages')
      .select('id')
      .where('settled_at', 'is', null)
      .limit(1)
      .execute();
    if (open.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const perSecond = (count / (performance.now() - startedMs)) * 1000;
  return { perSecond, cpuMs: ((await bench.worker.readCpuMs()) - cpuBeforeMs) / count };
};

const measureRaw = async ({ sink, raw, smtpUrl, mail }: Bench, count: number): Promise<Measured> => {
  await sink.ask({ expect: count });
  const answer = await raw.ask<{ tookMs: number; cpuMs: number }>({ ...mail, count, smtpUrl, connections });
  return { perSecond: (count / answer.tookMs) * 1000, cpuMs: answer.cpuMs / count };
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const medianOf = (measured: readonly Measured[]): Measured => ({
  perSecond: median(measured.map(({ perSecond }) => perSecond)),
  cpuMs: median(measured.map(({ cpuMs }) => cpuMs)),
});

const print = (what: string, worker: Measured, raw: Measured): void => {
  const show = ({ perSecond, cpuMs }: Measured): string =>
    `${perSecond.toFixed(0)}/s (${cpuMs.toFixed(2)} ms of CPU)`;
  console.log(`${what}: worker ${show(worker)}, pool alone ${show(raw)}`);
};

const runRounds = async (bench: Bench, count: number, rounds: number): Promise<void> => {
  await measureWorker(bench, count, 0);
  await measureRaw(bench, count);
  const workers: Measured[] = [];
  const raws: Measured[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const worker = await measureWorker(bench, count, round);
    const raw = await measureRaw(bench, count);
    print(`round ${round}`, worker, raw);
    workers.push(worker);
    raws.push(raw);
  }
  const [worker, raw] = [medianOf(workers), medianOf(raws)];
  print('median ', worker, raw);
  console.log(
    `ratio of speeds ${(worker.perSecond / raw.perSecond).toFixed(2)}, of CPU ${(raw.cpuMs / worker.cpuMs).toFixed(2)}`,
  );
};

const workerEnvironment = (databaseUrl: string, redisUrl: string, smtpUrl: string, opsPort: number) => ({
  PATH: '/usr/bin:/bin',
  NODE_ENV: 'development',
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  REDIS_PREFIX: prefix,
  PUBLIC_URL: 'https://verify.example.com',
  TOKEN_KEYS: `1:${Buffer.alloc(32, 1).toString('base64')}`,
  ADDRESS_HASH_KEY: hashKey.reveal(),
  SMTP_URL: smtpUrl,
  SMTP_TLS: 'off',
  SMTP_POOL_MAX: String(connections),
  MAIL_FROM: 'Reconfirm <no-reply@mail.example.com>',
  OPS_HOST: '127.0.0.1',
  OPS_PORT: String(opsPort),
});

const renderExample = async (): Promise<Bench['mail']> => {
  const renderer = await createRenderer({ brand: { name: 'Reconfirm' }, supportedLocales: availableLocales });
  const link = `https://verify.example.com/v1/verify-email?token=${'a'.repeat(64)}`;
  return renderer.render({
    template: 'signup',
    locale: 'en',
    values: { link, lifetimeSeconds: 86_400, policy: 'newest_only' },
  });
};

const bench = async (count: number, rounds: number, concurrency: string): Promise<void> => {
  const binary = await findRedisServer(process.env);
  if (binary === undefined) throw new Error('redis-server or valkey-server must be on PATH');
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'worker-loop-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = stack.use(await startPostgres({ dataDir: join(folder, 'postgres'), durable: true }));
  const redis = stack.use(await startRedis({ binary }));
  await createDatabase(postgres.url('postgres'), 'bench');
  const databaseUrl = postgres.url('bench');
  const db = openDatabase({
    url: databaseUrl,
    poolMax: 4,
    timeoutMs: 20_000,
    applicationName: 'bench',
    onIdleError: () => {},
  });
  stack.defer(() => db.destroy());
  await migrate(db);
  const call = connectForCalls(redis.url, { name: prefix, timeoutMs: 20_000, onError: () => {} });
  stack.defer(() => call.disconnect());
  const doorbell = createDoorbell({
    backend: { kind: 'redis', redis: call, prefix },
    timeoutMs: 20_000,
    onChange: () => {},
  });
  stack.defer(() => doorbell.close());
  const sink = stack.use(startChild('./mail-sink.ts'));
  const { port } = await sink.ask<{ port: number }>();
  const smtpUrl = `smtp://127.0.0.1:${port}`;
  const raw = stack.use(startChild('./raw-pool.ts'));
  const environment = workerEnvironment(databaseUrl, redis.url, smtpUrl, await findFreePort());
  const worker = stack.use(await startWorkerProcess({ ...environment, WORKER_CONCURRENCY: concurrency }));
  await runRounds({ db, doorbell, sink, raw, worker, smtpUrl, mail: await renderExample() }, count, rounds);
};

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else await bench(Number(values.messages), Number(values.rounds), values.concurrency);
