import { expect, test } from 'vitest';
import { readCommand } from '../src/command-line.ts';

test.each([
  [[], 'run'],
  [['--check'], 'check'],
  [['--help'], 'help'],
  [['--check', '--help'], 'help'],
])('%j asks for %s', (args, command) => expect(readCommand(args)).toBe(command));

test.each([['--chek'], ['start'], ['--help', '-v'], ['']])(
  '%j is a problem that says how to get help, and nothing runs',
  (...args) => {
    expect(readCommand(args)).toEqual({ problem: expect.stringContaining('--help') });
  },
);
