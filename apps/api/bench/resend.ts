import { parseArgs } from 'node:util';
import { type BenchProcess, canPin, leaveFirstCore, startBenchProcess } from './bench-process.ts';
import { type BenchStores, openBenchStores } from './bench-stores.ts';
import { measureHandOver } from './hand-over.ts';
import { type Measured, measure } from './load.ts';

const usage = `Usage: node apps/api/bench/resend.ts [--seconds 4] [--rounds 3] [--connections 50] [--warm-up 8] [--profile DIR]
       [--only NAME]

Measures resends to distinct addresses against a bare Fastify route with the same schemas and the same
answer, in interleaved rounds on stores of its own. Quote the ratios: rates depend on the machine and on
its neighbours, and the load comes from this process, on the same cores. Then, at 50 resends a second,
the time from the answer to the mail in the inbox. --profile DIR writes CPU profiles of the API there.
--only NAME measures the variants with NAME in their name, and no hand-over.`;

/** What differs between the API processes that are measured. All take the load of many clients. */
const variants = {
  'resend (defaults)': {},
  'resend (strict)': { DISCLOSURE: 'strict' },
  'resend (no ip limit)': { RATE_LIMIT_IP: 'off' },
  'resend (Redis just emptied)': {},
} as const satisfies Record<string, Readonly<Record<string, string>>>;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '50' },
    'warm-up': { type: 'string', default: '8' },
    profile: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

const openTargets = async (
  stores: BenchStores,
  stack: AsyncDisposableStack,
): Promise<readonly BenchProcess[]> => {
  const start = async (
    name: string,
    entry: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<BenchProcess> =>
    stack.use(
      await startBenchProcess({
        name,
        entry,
        settings,
        portSetting: 'PORT',
        nodeArgs: flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`],
      }),
    );
  const targets = [await start('bare', 'apps/api/bench/bare-route.ts', {})];
  for (const [index, [name, settings]] of Object.entries(variants).entries()) {
    if (!name.includes(flags.only ?? '')) continue;
    const installation = `bench-${index}`;
    const common = {
      ...(await stores.install(installation)),
      HOST: '127.0.0.1',
      TRUSTED_PROXIES: '127.0.0.1',
    };
    if (!name.includes('emptied')) await stores.ageRedis(installation);
    targets.push(await start(name, 'apps/api/src/main.ts', { ...common, ...settings }));
  }
  return targets;
};

const printRow = (name: string, measured: Measured, bare: Measured): void => {
  const cells = [
    name.padEnd(28),
    measured.perSecond.toFixed(0).padStart(7),
    measured.p50Ms.toFixed(0).padStart(5),
    measured.p99Ms.toFixed(0).padStart(5),
    measured.cpuUs.toFixed(0).padStart(6),
    measured.postgresUs.toFixed(0).padStart(5),
    measured.redisUs.toFixed(0).padStart(5),
    measured.loadUs.toFixed(0).padStart(5),
    (Number.isNaN(measured.batchSize) ? '' : measured.batchSize.toFixed(0)).padStart(5),
    (measured.perSecond / bare.perSecond).toFixed(2).padStart(6),
    (measured.cpuUs / bare.cpuUs).toFixed(2).padStart(6),
    measured.failed === 0 ? '' : ` ${measured.failed} failed`,
    measured.degraded ? ' without Redis at the end' : '',
  ];
  console.log(cells.join(' '));
};

/** Every target in each round, so that a neighbour's noise falls on all of them. */
const measureRounds = async (targets: readonly BenchProcess[], stores: BenchStores): Promise<void> => {
  const [connections, seconds, rounds] = [
    Number(flags.connections),
    Number(flags.seconds),
    Number(flags.rounds),
  ];
  // The compiler is at work for the first ten thousands of requests, on threads that count as the server's.
  for (const target of targets) await measure(target, stores, connections, Number(flags['warm-up']));
  const results = new Map<string, Measured[]>(targets.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    console.log(
      `\nround ${round}${' '.repeat(25)}req/s   p50   p99 cpu us    pg redis  load batch  ratio  cpu x`,
    );
    let bare: Measured | undefined;
    for (const target of targets) {
      const measured = await measure(target, stores, connections, seconds);
      results.get(target.name)?.push(measured);
      printRow(target.name, measured, (bare ??= measured));
    }
  }
  const bare = results.get('bare') ?? [];
  console.log('\nmedian of the rounds: ratio of rates, ratio of CPU per request');
  for (const [name, all] of results) {
    const ratioOf = (of: (m: Measured) => number): number =>
      median(all.map((measured, round) => of(measured) / of(bare[round] ?? measured)));
    console.log(
      `${name.padEnd(28)} ${ratioOf((m) => m.perSecond).toFixed(2)}  ${ratioOf((m) => m.cpuUs).toFixed(2)}`,
    );
  }
};

const main = async (): Promise<void> => {
  if (flags.help) return console.log(usage);
  leaveFirstCore();
  await using stores = await openBenchStores();
  console.log(`${stores.description}; no worker runs while rates are measured.`);
  console.log(
    canPin
      ? 'What is measured has core 0, stores and load the others.'
      : 'Without taskset everything shares all cores.',
  );
  {
    await using stack = new AsyncDisposableStack();
    await measureRounds(await openTargets(stores, stack), stores);
  }
  if (flags.only === undefined) await measureHandOver(await stores.install('hand-over'));
};

await main();
