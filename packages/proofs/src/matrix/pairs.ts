/** Test files that are run together: a column of the table. */
export interface Part {
  readonly name: string;
  readonly project: 'e2e' | 'integration';
  readonly paths: readonly string[];
}

/** A row of the table: what runs on which servers. */
export interface Pair {
  /** One of `knownBuilds`. */
  readonly build: string;
  /** The path of a redis-server or valkey-server; without one the tests over Redis are skipped. */
  readonly redisServer: string | undefined;
  readonly parts: readonly Part[];
}

const mainPath: Part = {
  name: 'main path',
  project: 'e2e',
  paths: ['packages/proofs/test/verification.e2e.test.ts'],
};
const database: Part = { name: 'packages/db', project: 'integration', paths: ['packages/db/'] };
const redisFaults: Part = {
  name: 'Redis: faults, cluster',
  project: 'e2e',
  paths: ['packages/proofs/test/redis-faults.e2e.test.ts', 'packages/proofs/test/redis-cluster.e2e.test.ts'],
};
const redisUsers: Part = {
  name: 'Redis: queue, limiter',
  project: 'integration',
  paths: ['packages/queue/', 'apps/api/test/limiter'],
};

/** Every column, in the order of the table. */
export const parts: readonly Part[] = [mainPath, database, redisFaults, redisUsers];

/** Each build with the usual Redis, then each server of Redis that is to be tested itself, on Postgres 18. */
export const pairsOf = (
  builds: readonly string[],
  usualRedis: string | undefined,
  redisServers: readonly string[],
): readonly Pair[] => [
  ...builds.map((build) => ({ build, redisServer: usualRedis, parts: [mainPath, database] })),
  ...redisServers.map((redisServer) => ({
    build: '18',
    redisServer,
    parts: [mainPath, redisFaults, redisUsers],
  })),
];
