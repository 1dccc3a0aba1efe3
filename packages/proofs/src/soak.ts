import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findRedisServer } from '@reconfirm/local-stack';
import { type AblationName, ablations } from './chaos/ablations.ts';
import { progressLine, reportOf } from './chaos/report.ts';
import { type ChaosResult, runChaos } from './chaos/run-chaos.ts';

const usage = `Usage: pnpm soak -- [--minutes 60] [--rate 20] [--fault-every-ms 1500] [--deploy-every 120]
       [--mail-faults 0.1] [--seed N] [--drain 120] [--ablation NAME] [--report FILE] [--help]

Runs two APIs and three workers on stores of their own under load and breaks something all the time: kill -9 of
APIs, workers, Redis (which comes back empty) and Postgres backends (crash recovery), FLUSHALL, deploys by SIGTERM,
SMTP servers that refuse, drop, stall and lie. Then it lets everything come to rest and checks that nothing was
lost, doubled without a reason, revealed or undone. Needs a redis-server or valkey-server on PATH.

  --minutes N          length of the load
  --rate N             requests a second
  --fault-every-ms N   mean time between two faults
  --deploy-every N     seconds between two deploys
  --mail-faults N      share of mails that the SMTP server mishandles, 0 to 1
  --seed N             repeats the choices of an earlier run, not its timing; printed at the start
  --drain N            seconds after the load until everything has to be settled
  --ablation NAME      breaks the service on purpose; the check must then fail:
${Object.entries(ablations)
  .map(([name, { words }]) => `                         ${name.padEnd(16)} ${words}`)
  .join('\n')}
  --report FILE        writes the report there too

One worker's clock is five minutes ahead when Debian's libfaketime is installed.
Exit code 0: nothing was wrong (with --ablation: it was caught); 1: otherwise; 78: arguments are not right.`;

const clockLibraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string', default: '20' },
      'fault-every-ms': { type: 'string', default: '1500' },
      'deploy-every': { type: 'string', default: '120' },
      'mail-faults': { type: 'string', default: '0.1' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      drain: { type: 'string', default: '120' },
      ablation: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const numbers = Object.entries(values).filter(([name]) => !['ablation', 'report', 'help'].includes(name));
  const wrong = numbers
    .filter(([, value]) => !(Number(value) >= 0))
    .map(([name]) => `--${name} takes a number`);
  if (values.ablation !== undefined && !(values.ablation in ablations))
    wrong.push(`--ablation is one of ${Object.keys(ablations).join(', ')}`);
  const redisBinary = await findRedisServer(process.env);
  if (redisBinary === undefined)
    wrong.push('no redis-server or valkey-server on PATH: install one, or name it in REDIS_SERVER_BIN');
  if (wrong.length > 0 || redisBinary === undefined) {
    console.error(wrong.join('\n'));
    return 78;
  }

  const startedAt = performance.now();
  const perSecond = Number(values.rate);
  const clockLibrary = clockLibraries.find((path) => existsSync(path));
  console.log(
    `seed ${values.seed}, ${values.minutes} min at ${perSecond} a second${clockLibrary === undefined ? '; no libfaketime, so no clock is wrong' : ''}`,
  );
  const result = await runChaos({
    seed: Number(values.seed),
    requests: Math.round(Number(values.minutes) * 60 * perSecond),
    perSecond,
    faultEveryMs: Number(values['fault-every-ms']),
    deployEveryMs: Number(values['deploy-every']) * 1000,
    mailFaultShare: Number(values['mail-faults']),
    drainMs: Number(values.drain) * 1000,
    redisBinary,
    clockLibrary,
    ablations: values.ablation === undefined ? [] : [values.ablation as AblationName],
    onStep: (step) => console.log(step),
    onProgress: (progress) => console.log(progressLine(progress, (performance.now() - startedAt) / 1000)),
  });
  const report = reportOf(result);
  console.log(`\n${report}`);
  if (values.report !== undefined) writeFileSync(values.report, `${report}\n`);
  return verdict(result, values.ablation);
};

const verdict = ({ violations, logDir }: ChaosResult, ablation: string | undefined): number => {
  const isWrong = violations.total() > 0;
  if (ablation === undefined) {
    if (isWrong) console.log(`The logs of all processes are in ${logDir}`);
    return isWrong ? 1 : 0;
  }
  console.log(isWrong ? `The ablation ${ablation} was caught.` : `The ablation ${ablation} was NOT caught.`);
  return isWrong ? 0 : 1;
};

process.exitCode = await main();
