import type { Reporter, TestModule } from 'vitest/node';
import { REDIS_SUITE_MARK } from './test-stores-names.ts';

/** Says at the end of a run how many tests did not run for want of Redis, so that no skip is silent. */
export const missingRedisReporter = (): Reporter => ({
  onTestRunEnd: (modules: readonly TestModule[]) => {
    let count = 0;
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        if (test.fullName.includes(REDIS_SUITE_MARK)) count += 1;
      }
    }
    if (count > 0) {
      process.stdout.write(
        `\n${count} ${count === 1 ? 'test needs' : 'tests need'} Redis and did not run: install redis-server, or start a container engine.\n`,
      );
    }
  },
});
