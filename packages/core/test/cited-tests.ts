/** One test, or group of tests, that a page says to guarantee something. */
export interface Citation {
  /** Relative to the page. */
  readonly file: string;
  /** As it stands in the file, placeholders and all. */
  readonly title: string;
}

const cited = /\[[^\]]+\]\(([^)\s]+\.test\.ts)\): `([^`]+)`/g;
const underHead = /^\| *:?-+/;
const testColumn = /\| tests? +\|$/;

/**
 * The citations of a page, in tables and between them, as `[name](file.test.ts): ` and the title in
 * backticks. A row that cites nothing is told as its text, in tables whose last column is `test`.
 */
export const citationsOf = (page: string): readonly (Citation | string)[] => {
  const lines = page.split('\n');
  let wantsTests = false;
  return lines.flatMap((line, index): readonly (Citation | string)[] => {
    const isHead = underHead.test(lines[index + 1] ?? '');
    if (isHead || !line.startsWith('|')) wantsTests = isHead && testColumn.test(line);
    const found = [...line.matchAll(cited)].map(([, file = '', title = '']) => ({
      file,
      title: title.replaceAll(String.raw`\|`, '|'),
    }));
    const isBare = wantsTests && !isHead && !underHead.test(line) && found.length === 0;
    return isBare ? [line] : found;
  });
};

/** What a page's links lead to inside the repository, relative to the page. */
export const linkedFilesOf = (page: string): readonly string[] =>
  [...page.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)]
    .map(([, file = '']) => file)
    .filter((file) => !/^[a-z]+:/.test(file));

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
