import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeExit, startProcess } from '@reconfirm/local-stack';
import type { Part } from './pairs.ts';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of those that failed. */
  readonly failures: readonly string[];
}

interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

interface GivenStores {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  /** What tests start that need a Redis of their own. */
  readonly redisServer: string | undefined;
}

const REPOSITORY = join(import.meta.dirname, '..', '..', '..', '..');
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
// One to two minutes on two processors. Tests have deadlines themselves: this is for what hangs between them.
const RUN_TIMEOUT_MS = 1_800_000;
// The question is whether a version works, not how fast: a limit that is none but ends what hangs, and half as many
// files at a time as in CI, so that a machine with other work fails none of them.
const PATIENCE = ['--testTimeout=180000', '--maxWorkers=2'];
// It ends its workers, their processes and the databases first.
const STOP_TIMEOUT_MS = 30_000;

/** Runs test files on these stores and says what it prints meanwhile. A run without a report counts as one failure. */
export const runTests = async (
  { project, paths }: Part,
  stores: GivenStores,
  say: (line: string) => void,
): Promise<TestCounts> => {
  const dir = await mkdtemp(join(tmpdir(), 'reconfirm-matrix-report-'));
  const file = join(dir, 'report.json');
  try {
    const vitest = await startProcess({
      name: 'vitest',
      command: process.execPath,
      args: [VITEST, 'run', '--project', project, ...PATIENCE, ...paths],
      cwd: REPOSITORY,
      env: {
        ...process.env,
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        TEST_STORES: 'auto',
        TEST_DATABASE_URL: stores.databaseUrl,
        TEST_REDIS_URL: stores.redisUrl,
        REDIS_SERVER_BIN: stores.redisServer,
        TEST_REPORT_FILE: file,
      },
      onLine: (line) => {
        if (line.trim() !== '') say(`  ${line}`);
      },
      stopSteps: [{ signal: 'SIGTERM', timeoutMs: STOP_TIMEOUT_MS }],
    });
    const timer = setTimeout(() => void vitest.stop(), RUN_TIMEOUT_MS);
    const exit = await vitest.exited;
    clearTimeout(timer);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return countsOfFault(`a run without a report ended with ${describeExit(exit)}`);
    return countTests(JSON.parse(text) as Report);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/** What could not be run counts as one test that failed. */
export const countsOfFault = (reason: string): TestCounts => ({
  passed: 0,
  failed: 1,
  skipped: 0,
  failures: [reason],
});

/** A file that failed without a failed test (it left something open, it does not load) is a failure too. */
export const countTests = (report: Report): TestCounts => {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const files = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const failures = [
    ...tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    ...files.map(({ name }) => name),
  ];
  if (failures.length === 0 && (tests.length === 0 || !report.success))
    failures.push('the run failed without a failed test, or had none');
  const count = (status: string): number => tests.filter((test) => test.status === status).length;
  return {
    passed: count('passed'),
    failed: failures.length,
    skipped: tests.length - count('passed') - count('failed'),
    failures,
  };
};
