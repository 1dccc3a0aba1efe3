import {
  type ApiConfig,
  type Environment,
  readApiConfig,
  readWorkerConfig,
  type WorkerConfig,
} from '../src/config/config.ts';

export const key = Buffer.alloc(32, 7).toString('base64');
const shared: Environment = {
  DATABASE_URL: 'postgres://reconfirm:hunter2@db.example:5432/reconfirm',
  REDIS_URL: 'redis://:hunter2@redis.example:6379/0',
  PUBLIC_URL: 'https://verify.example.com',
  TOKEN_KEYS: `1:${key}`,
  ADDRESS_HASH_KEY: key,
};
const api: Environment = { ...shared };
const worker: Environment = {
  ...shared,
  SMTP_URL: 'smtp://user:hunter2@smtp.example:587',
  MAIL_FROM: 'Example <no-reply@example.com>',
};

export const apiConfig = (change: Environment = {}): ApiConfig => {
  const read = readApiConfig({ ...api, ...change });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  return read.config;
};
export const workerConfig = (change: Environment = {}): WorkerConfig => {
  const read = readWorkerConfig({ ...worker, ...change });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  return read.config;
};
export const apiProblems = (change: Environment): readonly string[] => {
  const read = readApiConfig({ ...api, ...change });
  return 'problems' in read ? read.problems : [];
};
export const workerProblems = (change: Environment): readonly string[] => {
  const read = readWorkerConfig({ ...worker, ...change });
  return 'problems' in read ? read.problems : [];
};
