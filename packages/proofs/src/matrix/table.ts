import { type Part, parts } from './pairs.ts';
import type { TestCounts } from './run-tests.ts';

export interface Row {
  readonly postgres: string;
  readonly redis: string;
  readonly cells: readonly { readonly part: Part; readonly counts: TestCounts }[];
  readonly seconds: number;
}

/** In Markdown; a column that nothing was run of is left out, and a cell of nothing is a dash. */
export const tableOf = (rows: readonly Row[]): string => {
  const columns = parts.filter((part) => rows.some(({ cells }) => cells.some((cell) => cell.part === part)));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const heads = ['Postgres', 'Redis', ...columns.map(({ name }) => name), 'seconds'];
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map(({ postgres, redis, cells, seconds }) =>
      line([
        postgres,
        redis,
        ...columns.map((column) => wordsOf(cells.find(({ part }) => part === column)?.counts)),
        seconds.toFixed(0),
      ]),
    ),
  ].join('\n');
};

const wordsOf = (counts: TestCounts | undefined): string => {
  if (counts === undefined) return '-';
  const { passed, failed, skipped } = counts;
  return `${passed} passed, ${failed > 0 ? `${failed} FAILED` : '0 failed'}, ${skipped} skipped`;
};
