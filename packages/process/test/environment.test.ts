import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readEnvironment } from '../src/environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'reconfirm-environment-'));
afterAll(() => rmSync(folder, { recursive: true }));

const names = ['DATABASE_URL', 'REDIS_URL', 'TOKEN_KEYS', 'ADMIN_KEY', 'SMTP_URL'];

const fileWith = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe('a setting that comes as a file', () => {
  test.each([
    ['as it is', 'postgres://db/app', 'postgres://db/app'],
    ['without its last line break', 'postgres://db/app\n', 'postgres://db/app'],
    ['without the last line break of another system', 'postgres://db/app\r\n', 'postgres://db/app'],
    ['with every other space and line', ' first\nsecond \n\n', ' first\nsecond \n'],
  ])('is read %s', (_, content, expected) => {
    const { environment, problems } = readEnvironment({ DATABASE_URL_FILE: fileWith('url', content) }, names);
    expect(environment['DATABASE_URL']).toBe(expected);
    expect(problems).toEqual([]);
  });

  test.each([
    ['itself', 'itself'],
    // As compose files pass on what was not set.
    ['', 'from the file'],
  ])('beside the setting as "%s" gives "%s"', (given, expected) => {
    const path = fileWith('key', 'from the file');
    expect(readEnvironment({ ADMIN_KEY: given, ADMIN_KEY_FILE: path }, names).environment['ADMIN_KEY']).toBe(
      expected,
    );
  });

  test('that cannot be read is a problem that names the setting and the file', () => {
    const { environment, problems } = readEnvironment({ TOKEN_KEYS_FILE: join(folder, 'missing') }, names);
    expect(environment['TOKEN_KEYS']).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/^TOKEN_KEYS_FILE cannot be read: .*missing/)]);
  });

  test('is named for every one that cannot be read, not only the first', () => {
    const gone = join(folder, 'missing');
    expect(readEnvironment({ TOKEN_KEYS_FILE: gone, SMTP_URL_FILE: gone }, names).problems).toHaveLength(2);
  });

  test('is left alone when it is empty, or of another program', () => {
    const source = {
      SMTP_URL_FILE: '',
      SSL_CERT_FILE: fileWith('cert', 'certificate'),
      LOG_FILE: join(folder, 'missing'),
    };
    expect(readEnvironment(source, names)).toEqual({ environment: source, problems: [] });
  });
});

test('what was given is not changed', () => {
  const source = { REDIS_URL_FILE: fileWith('redis', 'redis://cache') };
  readEnvironment(source, names);
  expect(Object.keys(source)).toEqual(['REDIS_URL_FILE']);
});
