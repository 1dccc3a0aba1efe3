import { describe, expect, test } from 'vitest';
import { workerConfig, workerProblems } from './config-environments.ts';

const domain = { BOUNCE_DOMAIN: 'bounces.example.com' };

describe('the settings of bounces', () => {
  test('without a word about them mean that nothing listens', () =>
    expect(workerConfig()).toMatchObject({
      BOUNCE_DOMAIN: undefined,
      BOUNCE_LISTEN: undefined,
      BOUNCE_IMAP: undefined,
      BOUNCE_IMAP_DONE: undefined,
      BOUNCE_FEEDBACK_SOURCES: { ranges: [], domains: [] },
    }));

  test('are read as they are meant', () =>
    expect(
      workerConfig({
        BOUNCE_DOMAIN: 'Bounces.Example.COM',
        BOUNCE_LISTEN: '[::]:2525',
        BOUNCE_FEEDBACK_SOURCES: '192.0.2.0/24, FBL.example.net,2001:db8::1',
        BOUNCE_IMAP: 'imaps://user:pass%40word@imap.example.com/Bounces',
      }),
    ).toMatchObject({
      BOUNCE_DOMAIN: 'bounces.example.com',
      BOUNCE_LISTEN: { host: '::', port: 2525 },
      BOUNCE_FEEDBACK_SOURCES: { ranges: ['192.0.2.0/24', '2001:db8::1'], domains: ['fbl.example.net'] },
    }));

  test.each([
    ['BOUNCE_DOMAIN', 'example'],
    ['BOUNCE_DOMAIN', 'b@example.com'],
    ['BOUNCE_DOMAIN', 'bücher.example'],
    ['BOUNCE_DOMAIN', '-a.example.com'],
    ['BOUNCE_DOMAIN', `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`],
    ['BOUNCE_LISTEN', '2525'],
    ['BOUNCE_LISTEN', '0.0.0.0'],
    ['BOUNCE_LISTEN', '0.0.0.0:65536'],
    ['BOUNCE_LISTEN', ':::2525'],
    ['BOUNCE_FEEDBACK_SOURCES', 'http://fbl.example.net'],
    ['BOUNCE_FEEDBACK_SOURCES', '192.0.2.0/33'],
    ['BOUNCE_IMAP', 'https://user:password@imap.example.com'],
  ])('%s=%j is refused in one sentence', (name, value) => {
    const others = { ...domain, BOUNCE_LISTEN: '127.0.0.1:2525' };
    expect(workerProblems({ ...others, [name]: value })).toEqual([expect.stringMatching(`^${name} must `)]);
  });

  test.each([
    [{ BOUNCE_LISTEN: '0.0.0.0:2525' }, 'BOUNCE_DOMAIN is required with BOUNCE_LISTEN'],
    [{ BOUNCE_IMAP: 'imaps://u:p@imap.example.com' }, 'BOUNCE_DOMAIN is required with BOUNCE_IMAP'],
    [{ ...domain, BOUNCE_FEEDBACK_SOURCES: '192.0.2.1' }, 'BOUNCE_LISTEN is required with'],
    [{ ...domain, BOUNCE_IMAP: 'imaps://imap.example.com' }, 'BOUNCE_IMAP must name a user'],
    [{ BOUNCE_TLS_CERT: 'hunter2' }, 'BOUNCE_TLS_CERT and BOUNCE_TLS_KEY are required together'],
    [{ BOUNCE_TLS_KEY: 'hunter2' }, 'BOUNCE_TLS_CERT and BOUNCE_TLS_KEY are required together'],
    [{ BOUNCE_TLS_CERT: 'hunter2', BOUNCE_TLS_KEY: 'hunter2' }, 'BOUNCE_TLS_CERT and BOUNCE_TLS_KEY must be'],
  ])('%j is one problem, and the secret is not repeated', (changes, problem) => {
    const problems = workerProblems(changes);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).not.toContain('hunter2');
  });
});
