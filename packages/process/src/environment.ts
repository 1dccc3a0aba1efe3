import { readFileSync } from 'node:fs';
import type { Environment } from '@reconfirm/core/config/config';

/**
 * The environment with NAME_FILE replaced by NAME for each of the `fileNames`: the file's content
 * without its last line break, as container platforms mount secrets. A given NAME wins over its file.
 * Problems (an unreadable file) come back as sentences.
 */
export const readEnvironment = (
  source: Environment,
  fileNames: readonly string[],
): { readonly environment: Environment; readonly problems: readonly string[] } => {
  const environment: Record<string, string | undefined> = { ...source };
  const problems: string[] = [];
  for (const name of fileNames) {
    const key = `${name}_FILE`;
    const path = source[key];
    if (path === undefined || path === '' || (source[name] ?? '') !== '') continue;
    try {
      environment[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      problems.push(`${key} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { environment, problems };
};
