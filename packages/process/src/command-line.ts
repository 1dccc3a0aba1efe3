/** What the command line of a service asks for; anything unknown is a problem, not ignored. */
export type Command = 'run' | 'check' | 'help' | { readonly problem: string };

export const readCommand = (args: readonly string[]): Command => {
  const unknown = args.find((arg) => arg !== '--check' && arg !== '--help');
  if (unknown !== undefined) return { problem: `${unknown} is not known; try --help` };
  if (args.includes('--help')) return 'help';
  return args.includes('--check') ? 'check' : 'run';
};

/** sysexits.h EX_CONFIG: something was found in an unconfigured or misconfigured state. */
export const exitMisconfigured = 78;

/** Prints what is wrong with the settings, all of it, and where they are explained. */
export const printProblems = (problems: readonly string[]): void => {
  console.error(`The settings are not right:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
  console.error('Every setting is explained in docs/configuration.md.');
};
