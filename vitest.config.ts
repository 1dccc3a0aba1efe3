import { defineConfig } from 'vitest/config';
import { LongestFirst } from './packages/local-stack/src/test-longest-first.ts';
import { missingRedisReporter } from './packages/local-stack/src/test-stores-reporter.ts';

const setUp = './packages/local-stack/src/test-stores-setup.ts';
const leakCheck = './packages/local-stack/src/test-leak-check.ts';
const report = process.env['TEST_REPORT_FILE'];

export default defineConfig({
  test: {
    reporters: ['default', missingRedisReporter(), ...(report === undefined ? [] : ['json' as const])],
    ...(report !== undefined && { outputFile: { json: report } }),
    // Tests wait for stores and for processes, so two files for each of CI's two cores do not starve each other.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/core/test/**/*.test.ts'],
          // They take milliseconds; a machine that is busy with other things must not fail them.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: [
            'packages/{db,doctor,operator,proofs,queue,process,local-stack}/test/**/*.test.ts',
            'apps/*/test/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/*.e2e.test.ts'],
          globalSetup: setUp,
          setupFiles: leakCheck,
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['{apps,packages}/*/test/**/*.e2e.test.ts'],
          globalSetup: setUp,
          setupFiles: leakCheck,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // After the others, and three files at a time: these start processes, break them, and mostly wait for what becomes of it.
          sequence: { groupOrder: 1 },
          maxWorkers: 3,
        },
      },
    ],
  },
});
