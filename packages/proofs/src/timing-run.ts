import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openTcpProxy, startProcess } from '@reconfirm/local-stack';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { createInstallation, postgresSettings, redisSettings, type Settings } from './installation.ts';
import { strictContracts } from './strict-contracts.ts';
import { openLeakingRoute } from './timing-control.ts';
import { compareLimits, tightLimits, type LimitVerdict } from './timing-limits.ts';
import { knownClasses, settlePopulation, type AddressClass, type Population } from './timing-population.ts';
import { messageRoutes, otherRoutes, type TimedRoute } from './timing-routes.ts';
import { measureSeries, type Series } from './timing-series.ts';
import { createRandom } from './chaos/random.ts';
import { judgeSeries, reachVerdict, type Judged, type Verdict } from './timing-verdict.ts';

export const conditions = ['as always', 'SMTP slow', 'SMTP down', 'Redis away'] as const;
export type Condition = (typeof conditions)[number];

export interface TimingPlan {
  readonly databaseUrl: string;
  /** Null where there is none: then nothing is measured with Redis away. */
  readonly redisUrl: string | null;
  readonly redisPrefix: string;
  /** Of one class and unknown addresses together, on one route. */
  readonly requests: number;
  readonly seed: number;
  readonly conditions: readonly Condition[];
  /** Whether all the routes are measured that a stranger may name an address on, or the requests for messages only. */
  readonly everyRoute: boolean;
  /** Only routes whose name holds it; null for all. */
  readonly only: string | null;
  /** Whether the classes of known addresses share the requests also where nothing is wrong. */
  readonly pooled: boolean;
  /** How many rows the control reads more of a known address. */
  readonly controlReads: number;
  readonly say: (line: string) => void;
}

export interface TimingReport {
  readonly requests: number;
  readonly seed: number;
  readonly verdicts: readonly Verdict[];
  readonly limits: readonly LimitVerdict[];
  /** The positive control: known against unknown on a route that reads more of known addresses. */
  readonly control: Judged;
  readonly passed: boolean;
}

/** Limits are on and count, and nobody reaches them: the windows are over before an address comes up again. */
const settingsOf = (addressHashKey: string, redisUrl: string | null): Settings => ({
  ...(redisUrl === null ? postgresSettings : redisSettings(redisUrl)),
  ADDRESS_HASH_KEY: addressHashKey,
  EMAIL_PROVIDER: 'smtp',
  LOG_LEVEL: 'info',
});

const apiSettings = (): Settings => ({
  ...strictContracts(),
  TRUSTED_PROXIES: '127.0.0.0/8',
  RATE_LIMIT_ADDRESS: '1000/1',
  RATE_LIMIT_IP: '1000/1',
  GOTRUE_RATE_LIMIT_EMAIL: '1000/1',
  GOTRUE_RATE_LIMIT_IP: '1000/1',
  SINGULARITY_RATE_LIMIT_ADDRESS: '1000/1',
  SINGULARITY_RATE_LIMIT_IP: '1000/1',
  RATE_LIMIT_SIGN_IN: '1000/1',
  CODE_GUESS_LIMIT: '100/1',
});

/** The whole measuring, on processes of its own in a database that is empty but migrated. */
export const runTiming = async (plan: TimingPlan): Promise<TimingReport> => {
  const { say } = plan;
  await using opened = new AsyncDisposableStack();
  const addressHashKey = randomBytes(32).toString('base64');
  const gate = plan.redisUrl === null ? null : opened.use(await openTcpProxy(plan.redisUrl));
  const mailboxGate = opened.use(await openTcpProxy(await startMailbox(opened)));
  const stalling = await startMailbox(opened, 'stall');
  const installation = opened.use(
    await createInstallation({
      databaseUrl: plan.databaseUrl,
      redisPrefix: plan.redisPrefix,
      smtpUrl: mailboxGate.url,
      settings: settingsOf(addressHashKey, gate?.url ?? null),
    }),
  );
  opened.defer(async () => {
    await Promise.all(installation.processes.map((service) => service.finish()));
  });
  const [api, tight, firstWorker] = await Promise.all([
    installation.startApi(apiSettings()),
    installation.startApi({ ...apiSettings(), ...tightLimits }),
    installation.startWorker(),
  ]);
  let worker = firstWorker;
  const random = createRandom(plan.seed).next;
  const client = opened.use(createHttpClient(Number(new URL(api.url).port)));

  const countOfEach = Math.min(400, Math.max(20, Math.ceil(plan.requests / 50)));
  say(`Making ${countOfEach} addresses of each class`);
  const population = await settlePopulation(api.client, api.adminKey, countOfEach, random);
  const isAsked = ({ name }: TimedRoute): boolean => plan.only === null || name.includes(plan.only);
  const limits = await compareLimits(tight.client, messageRoutes.filter(isAsked), population);
  await tight.terminate();

  const verdicts: Verdict[] = [];
  const measure = async (condition: Condition, route: TimedRoute): Promise<void> => {
    const isPooled = plan.pooled || condition !== 'as always';
    const counts = countsOf(plan.requests * route.share, isPooled);
    const asked = isPooled ? pooledOf(population) : population;
    const series = (): Promise<Series> => measureSeries({ client, route, population: asked, counts, random });
    const verdict = await reachVerdict(condition, route.name, await series(), () => {
      say(`${condition}, ${route.name}: a comparison is outside, and measured once more`);
      return series();
    });
    verdicts.push(verdict);
    say(`${condition}, ${route.name}: ${wordsOf(verdict)}`);
  };

  const control = await measureControl(plan, client, addressHashKey, pooledOf(population), random);
  say(`The control, a route that reads more of known addresses: AUC ${control.auc.toFixed(4)}`);
  for (const condition of plan.conditions) {
    if (condition === 'Redis away' && gate === null) continue;
    if (condition === 'Redis away') await gate?.become('closed');
    if (condition === 'SMTP slow') {
      await worker.kill();
      worker = await installation.startWorker({ SMTP_URL: stalling });
    }
    if (condition === 'SMTP down') {
      await worker.kill();
      worker = await installation.startWorker();
      await mailboxGate.become('closed');
    }
    const isPlain = condition === 'as always';
    const routes = isPlain
      ? [...messageRoutes, ...(plan.everyRoute ? otherRoutes : [])]
      : messageRoutes.filter(({ path }) => !path.endsWith('/users'));
    for (const route of routes.filter(isAsked)) await measure(condition, route);
  }
  return {
    requests: plan.requests,
    seed: plan.seed,
    verdicts,
    limits,
    control,
    passed:
      verdicts.every(({ passed }) => passed) &&
      limits.every(({ statuses, differences }) => statuses.length === 3 && differences.length === 0) &&
      !control.alike,
  };
};

const wordsOf = ({ comparisons, again, medianMs, passed }: Verdict): string =>
  [
    passed ? 'alike' : 'DIFFERENT',
    ...[...comparisons, ...again].map(({ what, auc }) => `${what} ${auc.toFixed(4)}`),
    `median ${medianMs.toFixed(2)} ms`,
  ].join(', ');

/** With a fault, or if they are to, the classes share the requests about known addresses: a route then takes less than half. */
const countsOf = (requests: number, pooled: boolean): ReadonlyMap<AddressClass, number> => {
  const half = Math.max(20, Math.round(requests / 2));
  const ofKnown = pooled ? Math.ceil(half / knownClasses.length) : half;
  return new Map<AddressClass, number>([
    ['unknown', half],
    ...knownClasses.map((name): [AddressClass, number] => [name, ofKnown]),
  ]);
};

/** Classes that share the requests share the addresses too, so that each is asked about as often as an unknown one. */
const pooledOf = (population: Population): Population =>
  new Map(
    [...population].map(([name, addresses]) => [
      name,
      name === 'unknown' ? addresses : addresses.slice(0, Math.ceil(addresses.length / knownClasses.length)),
    ]),
  );

const measureControl = async (
  plan: TimingPlan,
  api: HttpClient,
  addressHashKey: string,
  population: Population,
  random: () => number,
): Promise<Judged> => {
  await using leaking = await openLeakingRoute({
    target: api,
    databaseUrl: plan.databaseUrl,
    addressHashKey,
    reads: plan.controlReads,
  });
  using client = createHttpClient(leaking.port);
  const [route] = messageRoutes;
  if (route === undefined) throw new Error('no route is measured');
  // Of all classes alike: what it leaves behind must not tell one from another afterwards.
  const counts = countsOf(Math.max(200, plan.requests / 2), true);
  const [known] = judgeSeries(await measureSeries({ client, route, population, counts, random }));
  if (known === undefined) throw new Error('nothing was measured of the control');
  return known;
};

const startMailbox = async (opened: AsyncDisposableStack, ...args: readonly string[]): Promise<string> => {
  const mailbox = await startProcess({
    name: ['mailbox', ...args].join(' '),
    command: process.execPath,
    args: [join(import.meta.dirname, 'timing-mailbox.ts'), ...args],
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'] },
    stopSteps: [{ signal: 'SIGKILL', timeoutMs: 2000 }],
  });
  opened.defer(() => mailbox.stop());
  const [, port] = await mailbox.waitForLine(/mailbox ready (\d+)/, 20_000);
  return `smtp://127.0.0.1:${port}`;
};
