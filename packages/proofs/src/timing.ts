import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { printReport } from './timing-report.ts';
import { conditions, runTiming } from './timing-run.ts';
import { promisedRequests } from './timing-statistics.ts';
import { openTimingStores } from './timing-stores.ts';

const usage = `Usage: pnpm timing [--requests N] [--seed N] [--json FILE] [--pooled] [--quick] [--only TEXT]
                   [--conditions NAMES] [--help]

Can a stranger tell by an answer, or by the time it takes, who has an account? Starts an API, a worker, private
stores and an SMTP server, makes addresses of five classes (pending, verified, suspended and suppressed accounts,
and unknown ones), and asks about them one after the other over one connection, in random order, on every
route on which somebody without a credential names an address: the requests for a message of the four
contracts (v1 with DISCLOSURE=strict), then codes, sign-ups and sign-ins with fewer requests. Then the requests
for a message again while the SMTP server stalls, while there is none, and without Redis.

  --requests N  requests of one class and of unknown addresses together, on one route; default ${promisedRequests}
  --seed N      decides every order and address; default is drawn and printed
  --json FILE   writes the report there as well
  --pooled      the classes of known addresses share the requests of a route, as they do with a fault: what tells one
                class from the unknown is then measured with a fourth of the requests, and the run takes half the time
  --quick       the requests for a message only, and nothing with a fault
  --only TEXT   the routes whose name holds it
  --conditions NAMES  of ${conditions.join(', ')}; separated by commas, default all

Said beforehand: a comparison is alike when the AUC (Mann-Whitney) is within 0.5 ± 0.01 and the distance of the
distributions (Kolmogorov-Smirnov) is below what chance exceeds once in 1,000 times. Where there are fewer than
${promisedRequests} requests, chance alone leads further, and the gate is four standard errors (printed). A route of which a
comparison is outside is measured once more, and that decides; chance takes one comparison of seventy outside once,
and one of five thousand twice. Status, headers and body have to be the same but for what is drawn for everybody, and so has
what the limits answer. The control, a route that reads one row more when the address has an account, has to
be outside, or the run shows nothing. How the request after one about a known address fares is printed and not
judged: here all processes share the processors with the one that asks.

Leave the machine alone meanwhile. At the default a route takes about three minutes on two cores.

Exit code 0: nobody can tell. 1: a difference was found, or the control was not told apart. 78: wrong arguments.`;

const readArguments = () => {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      requests: { type: 'string', default: String(promisedRequests) },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      json: { type: 'string' },
      pooled: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      conditions: { type: 'string', default: conditions.join(',') },
      help: { type: 'boolean', default: false },
    },
  });
  const [requests, seed] = [Number(values.requests), Number(values.seed)];
  if (!Number.isInteger(requests) || requests < 200 || requests > 1_000_000)
    throw new RangeError('--requests takes a number from 200 to 1000000');
  if (!Number.isInteger(seed) || seed < 0) throw new RangeError('--seed takes a whole number');
  const named = conditions.filter((name) => values.conditions.split(',').includes(name));
  if (named.length !== values.conditions.split(',').length)
    throw new RangeError(`--conditions takes names of ${conditions.join(', ')}, separated by commas`);
  return { ...values, requests, seed, conditions: values.quick ? (['as always'] as const) : named };
};

const main = async (): Promise<number> => {
  let asked: ReturnType<typeof readArguments>;
  try {
    asked = readArguments();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 78;
  }
  if (asked.help) {
    console.log(usage);
    return 0;
  }
  const startedAt = new Date();
  const say = (line: string): void => {
    const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
    console.error(`${String(seconds).padStart(4)} s  ${line}`);
  };
  await using stores = await openTimingStores(process.env);
  say(`${stores.description}; seed ${asked.seed}`);
  const report = await runTiming({
    databaseUrl: stores.databaseUrl,
    redisUrl: stores.redisUrl,
    redisPrefix: 'timing',
    requests: asked.requests,
    seed: asked.seed,
    conditions: asked.conditions,
    everyRoute: !asked.quick,
    only: asked.only ?? null,
    pooled: asked.pooled,
    controlReads: 1,
    say,
  });
  if (asked.json !== undefined) {
    const machine = { node: process.version, processors: availableParallelism(), stores: stores.description };
    const tookSeconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
    const written = { startedAt: startedAt.toISOString(), tookSeconds, machine, ...report };
    await writeFile(asked.json, `${JSON.stringify(written, null, 2)}\n`);
  }
  console.log(printReport(report));
  return report.passed ? 0 : 1;
};

process.exitCode = await main();
