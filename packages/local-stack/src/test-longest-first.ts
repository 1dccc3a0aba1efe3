import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take a minute and mostly wait. Begun last, as their size would have it, they run alone at the end:
 * that cost CI 100 s.
 */
const longest = [
  'chaos-ablations.e2e',
  'chaos.e2e',
  'redis-faults.e2e',
  'bounce-mailbox',
  'local-stack/test/up',
  'local-stack/test/postgres',
].map((name) => `${name}.test.ts`);

/** Begins with the files that take longest, whichever part of the tests is run. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some((name) => moduleId.endsWith(name));
    // oxlint-disable-next-line unicorn/no-array-sort -- not the method of an array
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
