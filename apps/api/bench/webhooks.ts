import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { type Database, openDatabase } from '@reconfirm/db/database';
import { type BenchProcess, canPin, leaveFirstCore, startBenchProcess } from './bench-process.ts';
import { type BenchStores, openBenchStores } from './bench-stores.ts';
import { type MeasuredWebhooks, measureWebhooks, type Pace } from './webhook-load.ts';
import { reportsOf, type Report, sendMessages } from './webhook-messages.ts';
import {
  mailgunCall,
  reportsInBytes,
  sendgridCall,
  type WebhookCall,
  webhookSettings,
} from './webhook-requests.ts';

const usage = `Usage: node apps/api/bench/webhooks.ts [--seconds 5] [--rounds 3] [--only NAME] [--against DIR] [--profile DIR]

Measures signed webhooks against a real API and a Postgres of its own that waits for the disk: how long
an answer takes, how many reports a second are taken, how long after the last answer all were
applied (behind, ms), the CPU for each, and afterwards whether every
report that was answered with 200 is there once and has moved its message to the right rank. --against DIR
measures the API of another checkout in the same rounds and prints the ratios. --only NAME runs the loads
with NAME in their name. --profile DIR writes CPU profiles of the APIs there.`;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    against: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

interface Load {
  readonly name: string;
  /** Reports in a request; a single one comes from Mailgun, several from SendGrid. */
  readonly batch: number;
  readonly pace: Pace;
  /** How many requests make a round of this many seconds. */
  readonly requests: (seconds: number) => number;
}

const steady = (name: string, batch: number, perSecond: number): Load => ({
  name,
  batch,
  pace: { connections: 256, perSecond },
  requests: (seconds) => Math.ceil(seconds * perSecond),
});

const loads = (): readonly Load[] => [
  steady('256 KiB, 2 a second', reportsInBytes(256 * 1024), 2),
  steady('single, 1,000 events/s', 1, 1000),
  steady('10 each, 1,000 events/s', 10, 100),
  steady('100 each, 1,000 events/s', 100, 10),
  steady('10 each, 2,000 events/s', 10, 200),
  {
    name: 'single, 50 connections',
    batch: 1,
    pace: { connections: 50, perSecond: undefined },
    requests: (seconds) => 800 * seconds,
  },
];

interface Target extends BenchProcess {
  readonly db: Database;
}

const openTarget = async (
  name: string,
  entry: string,
  stores: BenchStores,
  stack: AsyncDisposableStack,
): Promise<Target> => {
  const settings = await stores.install(name);
  const api = stack.use(
    await startBenchProcess({
      name,
      entry,
      portSetting: 'PORT',
      nodeArgs: flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`],
      settings: { ...settings, HOST: '127.0.0.1', ...webhookSettings },
    }),
  );
  const db = openDatabase({
    url: settings['DATABASE_URL'] ?? '',
    poolMax: 2,
    timeoutMs: 30_000,
    applicationName: 'bench',
    onIdleError: () => {},
  });
  stack.defer(() => db.destroy());
  return { ...api, db };
};

const callsOf = (load: Load, reports: readonly Report[], count: number): readonly WebhookCall[] =>
  Array.from({ length: count }, (_, index) => {
    const some = reports.slice(index * load.batch, (index + 1) * load.batch);
    const [only] = some;
    return load.batch === 1 && only !== undefined ? mailgunCall(only) : sendgridCall(some);
  });

const measureLoad = async (
  target: Target,
  stores: BenchStores,
  load: Load,
  seconds: number,
): Promise<MeasuredWebhooks> => {
  const count = load.requests(seconds);
  const reports = reportsOf(await sendMessages(target.db, count * load.batch));
  return measureWebhooks(target, stores, target.db, callsOf(load, reports, count), load.pace);
};

const printRow = (name: string, load: string, measured: MeasuredWebhooks): void => {
  const { refused, lost, misplaced } = measured;
  const cells = [
    name.padEnd(8),
    load.padEnd(26),
    measured.eventsPerSecond.toFixed(0).padStart(8),
    measured.p50Ms.toFixed(1).padStart(7),
    measured.p99Ms.toFixed(1).padStart(7),
    measured.behindMs.toFixed(0).padStart(7),
    measured.cpuUs.toFixed(0).padStart(7),
    measured.postgresUs.toFixed(0).padStart(6),
    [refused, lost, misplaced].map((n) => String(n).padStart(7)).join(''),
  ];
  console.log(cells.join(' '));
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? Number.NaN;

const printMedians = (results: ReadonlyMap<string, readonly MeasuredWebhooks[]>, load: string): void => {
  const [now, before] = ['now', 'against'].map((name) => results.get(`${name} ${load}`));
  if (now === undefined) return;
  const figure = (of: (m: MeasuredWebhooks) => number): string => {
    const own = median(now.map(of));
    return before === undefined
      ? own.toFixed(1)
      : `${own.toFixed(1)} (x ${(own / median(before.map(of))).toFixed(2)})`;
  };
  console.log(
    `${load.padEnd(26)} events/s ${figure((m) => m.eventsPerSecond)}  p50 ${figure((m) => m.p50Ms)}  p99 ${figure((m) => m.p99Ms)}  cpu us ${figure((m) => m.cpuUs)}  pg us ${figure((m) => m.postgresUs)}`,
  );
};

const main = async (): Promise<void> => {
  if (flags.help) return console.log(usage);
  leaveFirstCore();
  const [seconds, rounds] = [Number(flags.seconds), Number(flags.rounds)];
  const chosen = loads().filter(({ name }) => name.includes(flags.only));
  await using stores = await openBenchStores();
  console.log(
    `${stores.description}; no worker runs.${canPin ? ' The API has core 0, stores and load the others.' : ''}`,
  );
  await using stack = new AsyncDisposableStack();
  const targets = [await openTarget('now', 'apps/api/src/main.ts', stores, stack)];
  if (flags.against !== undefined)
    targets.push(await openTarget('against', join(flags.against, 'apps/api/src/main.ts'), stores, stack));

  console.log('warming up');
  for (const target of targets) for (const load of chosen) await measureLoad(target, stores, load, 2);
  const results = new Map<string, MeasuredWebhooks[]>();
  let faults = 0;
  for (let round = 1; round <= rounds; round += 1) {
    console.log(
      `\nround ${`${round}`.padEnd(29)} events/s     p50     p99  behind  cpu us     pg refused   lost misplaced`,
    );
    for (const load of chosen) {
      for (const target of targets) {
        const measured = await measureLoad(target, stores, load, seconds);
        const key = `${target.name} ${load.name}`;
        results.set(key, [...(results.get(key) ?? []), measured]);
        if (target.name === 'now') faults += measured.lost + measured.misplaced;
        printRow(target.name, load.name, measured);
      }
    }
  }
  console.log(
    `\nmedian of the rounds${flags.against === undefined ? '' : ', and its ratio to the other checkout'}`,
  );
  for (const { name } of chosen) printMedians(results, name);
  if (faults > 0) throw new Error(`${faults} reports were answered with 200 and are lost or misplaced`);
};

await main();
