import { describe, expect, test } from 'vitest';
import { apiConfig, apiProblems, workerConfig, workerProblems } from './config-environments.ts';

const development = { NODE_ENV: 'development' };

describe('FAILPOINT', () => {
  test('names a point of its own process, and the first passage unless another is said', () => {
    expect(apiConfig({}).FAILPOINT).toBeUndefined();
    expect(apiConfig({ ...development, FAILPOINT: 'api.after_commit' }).FAILPOINT).toEqual({
      name: 'api.after_commit',
      nth: 1,
    });
    expect(workerConfig({ ...development, FAILPOINT: 'worker.after_claim:12' }).FAILPOINT).toEqual({
      name: 'worker.after_claim',
      nth: 12,
    });
  });

  test.each([
    'worker.after_claim',
    'api.after_commit:0',
    'api.after_commit:',
    'api.after_commit:1x',
    'toString',
  ])('%s is refused by the API, which says what there is', (FAILPOINT) => {
    expect(apiProblems({ ...development, FAILPOINT })).toEqual([
      expect.stringMatching(/^FAILPOINT must be one of api\.before_commit, /),
    ]);
  });

  test('is refused in production, which is what holds where nothing is said', () => {
    const refused = ['FAILPOINT must not be set in production: it ends the process'];
    expect(apiProblems({ FAILPOINT: 'api.after_commit' })).toEqual(refused);
    expect(workerProblems({ FAILPOINT: 'worker.after_claim', NODE_ENV: 'production' })).toEqual(refused);
  });
});
