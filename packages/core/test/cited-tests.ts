/** One test, or group of tests, that a page says to guarantee something. */
export interface Citation {
  /** Relative to the page. */
  readonly file: string;
  /** As it stands in the file, placeholders and all. */
  readonly title: string;
}

const rowPattern = /^\| .* \| +\[[^\]]+\]\(([^)]+)\): `([^`]+)` +\|$/;
const headPattern = /^\| (?:row|-+) +\|/;

/** The citations of a page's tables, one a line; a row that cites nothing is told as its text. */
export const citationsOf = (page: string): readonly (Citation | string)[] =>
  page
    .split('\n')
    .filter((line) => line.startsWith('|') && !headPattern.test(line))
    .map((line) => {
      const [, file, title] = rowPattern.exec(line) ?? [];
      return file === undefined || title === undefined
        ? line
        : { file, title: title.replaceAll(String.raw`\|`, '|') };
    });

const comment = /^\s*\/\/.*$|\/\*[\s\S]*?\*\//gm;

/** What turns a test off, for all runs. */
const turnedOff = /\b(?:describe\w*|it|test)\.(?:skip|todo|only|fails)\b/;

/** Whether a test or group of this title runs: called by itself or over a table, and not turned off. */
export const hasTest = (source: string, title: string): boolean => {
  const code = source.replaceAll(comment, '');
  const literal = `(['"\`])${title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}\\1`;
  return (
    !turnedOff.test(code) &&
    new RegExp(String.raw`(?:\b(?:describe\w*|it|test)|[)\`])\(\s*${literal}\s*,`).test(code)
  );
};
