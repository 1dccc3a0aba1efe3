import { describe, expect, test } from 'vitest';
import { contractNames, parseContracts } from '../src/contract.ts';

describe('CONTRACTS', () => {
  test.each([
    ['v1', ['v1']],
    [' singularity , v1,singularity', ['v1', 'singularity']],
    [contractNames.join(','), contractNames],
  ])('%s names contracts, each once', (text, names) => expect(parseContracts(text)).toEqual(names));

  test.each(['v2', 'v1,entry', 'V1', 'toString', '', ' , '])('%j is told in a sentence', (text) =>
    expect(parseContracts(text)).toEqual({
      problem: expect.stringMatching(/must list .*v1, .*entryguard/) as string,
    }),
  );
});
