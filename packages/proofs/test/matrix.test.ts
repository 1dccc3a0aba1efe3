import { expect, test } from 'vitest';
import { pairsOf } from '../src/matrix/pairs.ts';
import { countsOfFault, countTests } from '../src/matrix/run-tests.ts';
import { tableOf } from '../src/matrix/table.ts';

const assertion = (status: string, fullName: string) => ({ status, fullName });
const file = (status: string, ...assertionResults: ReturnType<typeof assertion>[]) => ({
  name: 'claims.test.ts',
  status,
  assertionResults,
});

test('what passed, failed and was skipped is counted, and what failed is named', () => {
  const results = [
    file('failed', assertion('passed', 'a'), assertion('failed', 'b'), assertion('skipped', 'c')),
    file('passed', assertion('passed', 'd'), assertion('todo', 'e')),
  ];
  expect(countTests({ success: false, testResults: results })).toEqual({
    passed: 2,
    failed: 1,
    skipped: 2,
    failures: ['b'],
  });
});

test.each([
  ['a file that does not load', { success: false, testResults: [file('failed')] }],
  [
    'a file that left something open',
    { success: false, testResults: [file('failed', assertion('passed', 'a'))] },
  ],
  ['an error between the tests', { success: false, testResults: [file('passed', assertion('passed', 'a'))] }],
  ['a run of no test', { success: true, testResults: [] }],
])('%s is a failure, although no test failed', (_what, report) => {
  expect(countTests(report).failed).toBe(1);
});

test('each build is a row, and so is each server of Redis that was named; what did not start has failed', () => {
  const pairs = pairsOf(['15', 'debian-15'], '/usr/bin/redis-server', [
    '/usr/bin/redis-server',
    '/opt/valkey-server',
  ]);
  const rows = pairs.map(({ build, redisServer, parts }) => ({
    postgres: build,
    redis: redisServer ?? 'none',
    cells: parts.map((part) => ({
      part,
      counts:
        build === 'debian-15'
          ? countsOfFault('did not start')
          : { passed: 2, failed: 0, skipped: 1, failures: [] },
    })),
    seconds: 61.4,
  }));
  const [passed, failed] = ['2 passed, 0 failed, 1 skipped', '0 passed, 1 FAILED, 0 skipped'];
  expect(tableOf(rows).split('\n')).toEqual([
    '| Postgres | Redis | main path | packages/db | Redis: faults, cluster | Redis: queue, limiter | seconds |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    `| 15 | /usr/bin/redis-server | ${passed} | ${passed} | - | - | 61 |`,
    `| debian-15 | /usr/bin/redis-server | ${failed} | ${failed} | - | - | 61 |`,
    `| 18 | /usr/bin/redis-server | ${passed} | - | ${passed} | ${passed} | 61 |`,
    `| 18 | /opt/valkey-server | ${passed} | - | ${passed} | ${passed} | 61 |`,
  ]);
  expect(tableOf(rows.slice(0, 2))).not.toContain('Redis: faults');
});
