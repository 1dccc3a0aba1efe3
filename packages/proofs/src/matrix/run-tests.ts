import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

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

const REPOSITORY = join(import.meta.dirname, '..', '..', '..', '..');
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const RUN_TIMEOUT_MS = 1_800_000;

/** Runs test files on stores that are given by URL. A run without a report counts as one failure. */
export const runTests = async (
  project: string,
  paths: readonly string[],
  stores: { readonly databaseUrl: string; readonly redisUrl: string | undefined },
): Promise<TestCounts> => {
  const dir = await mkdtemp(join(tmpdir(), 'reconfirm-matrix-report-'));
  const file = join(dir, 'report.json');
  try {
    const child = spawn(process.execPath, [VITEST, 'run', '--project', project, ...paths], {
      cwd: REPOSITORY,
      env: {
        ...process.env,
        TEST_STORES: 'auto',
        TEST_DATABASE_URL: stores.databaseUrl,
        TEST_REDIS_URL: stores.redisUrl,
        TEST_REPORT_FILE: file,
      },
      stdio: 'ignore',
      timeout: RUN_TIMEOUT_MS,
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined)
      return { passed: 0, failed: 1, skipped: 0, failures: [`no report (exit code ${code ?? 'none'})`] };
    return countTests(JSON.parse(text) as Report);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

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
