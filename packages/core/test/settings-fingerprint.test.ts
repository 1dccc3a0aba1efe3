import { expect, test } from 'vitest';
import { processName, readProcessName, settingsFingerprint } from '../src/config/settings-fingerprint.ts';
import { apiConfig, workerConfig } from './config-environments.ts';

const otherKey = Buffer.alloc(32, 9).toString('base64');
const ours = settingsFingerprint(apiConfig());

test('the API and a worker of one environment have the same fingerprint', () => {
  expect(settingsFingerprint(workerConfig())).toBe(ours);
  const full = {
    REDIRECT_ORIGINS: 'https://a.example.com,https://b.example.com',
    PURPOSE_LIFETIMES: 'recovery=1800/600,signup=3600',
  };
  const turned = {
    REDIRECT_ORIGINS: 'https://b.example.com,https://a.example.com',
    PURPOSE_LIFETIMES: 'signup=3600,recovery=1800/600',
  };
  expect(settingsFingerprint(apiConfig(full))).toBe(settingsFingerprint(workerConfig(turned)));
});

test.each([
  ['TOKEN_KEYS', `1:${otherKey}`],
  ['TOKEN_KEYS', `2:${Buffer.alloc(32, 7).toString('base64')}`],
  ['ADDRESS_HASH_KEY', otherKey],
  ['PUBLIC_URL', 'https://other.example.com'],
  ['EMAIL_PROVIDER', 'mailgun'],
  ['REDIRECT_ORIGINS', 'https://app.example.com'],
  ['PURPOSE_LIFETIMES', 'recovery=60'],
  ['SMS_COUNTRIES', 'DK'],
  ['QUEUE_BACKEND', 'postgres'],
  ['BRAND_NAME', 'Other'],
])('another %s is another fingerprint', (name, value) =>
  expect(settingsFingerprint(workerConfig({ [name]: value }))).not.toBe(ours),
);

test.each([
  ['LOG_LEVEL', 'debug'],
  ['DATABASE_URL', 'postgres://other:password@host/db'],
  ['DATABASE_POOL_MAX', '20'],
  ['REDIS_URL', 'rediss://other:6379'],
  ['REDIS_CLUSTER_NODES', 'other:6379'],
])('%s is each process’s own', (name, value) =>
  expect(settingsFingerprint(apiConfig({ [name]: value }))).toBe(ours),
);

test('a process is named by kind and fingerprint, within what Postgres keeps of a name', () => {
  const name = processName('mailer-worker', workerConfig());
  expect(readProcessName(name)).toEqual({ kind: 'mailer-worker', fingerprint: ours });
  expect(name.length).toBeLessThanOrEqual(63);
  for (const foreign of [
    'reconfirm-api',
    `reconfirm-doctor ${ours}`,
    `x reconfirm-api ${ours}`,
    `reconfirm-api ${ours}0`,
  ])
    expect(readProcessName(foreign)).toBeUndefined();
});
