import { startRedis } from '@reconfirm/local-stack';
import type { Pair } from './pairs.ts';
import { binariesOf } from './postgres-builds.ts';
import { redisVersion } from './redis-version.ts';
import { countsOfFault, runTests } from './run-tests.ts';
import { startBuild } from './start-build.ts';
import type { Row } from './table.ts';

type Say = (line: string) => void;

/** Starts both servers, empty, and runs the parts on them. What does not start is a row that failed, so the others run. */
export const testPair = async (pair: Pair, cacheDir: string, say: Say): Promise<Row> => {
  const startedAt = performance.now();
  const secondsSince = (): number => (performance.now() - startedAt) / 1000;
  say(`Postgres ${pair.build}: starting`);
  try {
    return { ...(await testStarted(pair, cacheDir, say)), seconds: secondsSince() };
  } catch (error) {
    const counts = countsOfFault(`Postgres ${pair.build} was not tested: ${String(error)}`);
    const cells = pair.parts.map((part) => ({ part, counts }));
    return { postgres: pair.build, redis: pair.redisServer ?? 'none', cells, seconds: secondsSince() };
  }
};

const testStarted = async (
  { build, redisServer, parts }: Pair,
  cacheDir: string,
  say: Say,
): Promise<Omit<Row, 'seconds'>> => {
  await using server = await startBuild(await binariesOf(build, cacheDir));
  await using redis = redisServer === undefined ? null : await startRedis({ binary: redisServer });
  const postgres = `${server.version}${build.startsWith('debian') ? ' (Debian)' : ''}`;
  const redisName = redisServer === undefined ? 'none' : ((await redisVersion(redisServer)) ?? redisServer);
  const cells: Row['cells'][number][] = [];
  for (const part of parts) {
    say(`Postgres ${postgres}, ${redisName === 'none' ? 'no Redis' : redisName}: ${part.name}`);
    const stores = { databaseUrl: server.url, redisUrl: redis?.url, redisServer };
    cells.push({ part, counts: await runTests(part, stores, say) });
  }
  return { postgres, redis: redisName, cells };
};
