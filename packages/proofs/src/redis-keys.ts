import { Redis } from 'ioredis';
import { messageIdsOfJob } from '@reconfirm/core/jobs/send';

/**
 * Forgets everything that an installation keeps in Redis, in one step: to this installation the same as
 * FLUSHALL, which would also empty the tests that share the server.
 */
export const emptyRedis = (url: string, prefix: string): Promise<number> =>
  withRedis(url, async (redis) => {
    const deleted = await redis.eval(
      `local keys = redis.call('KEYS', ARGV[1])
       for _, key in ipairs(keys) do redis.call('DEL', key) end
       return #keys`,
      0,
      `*${prefix}*`,
    );
    return Number(deleted);
  });

/** The messages for which a job is in the queue of mails. */
export const messagesWithJob = (url: string, prefix: string): Promise<ReadonlySet<string>> =>
  withRedis(url, async (redis) => {
    const keys = await redis.keys(`{${prefix}}:mail:*-*-*-*-*-*`);
    const jobs = keys.map(async (key) => {
      const data = await redis.hget(key, 'data');
      return messageIdsOfJob(key.slice(key.lastIndexOf(':') + 1), JSON.parse(data ?? '{}'));
    });
    return new Set((await Promise.all(jobs)).flat());
  });

/** How many jobs of the queue of mails are done or failed, and kept. */
export const finishedJobs = (url: string, prefix: string): Promise<number> =>
  withRedis(url, async (redis) => {
    const counts = ['completed', 'failed'].map((set) => redis.zcard(`{${prefix}}:mail:${set}`));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  });

const withRedis = async <Result>(url: string, work: (redis: Redis) => Promise<Result>): Promise<Result> => {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
};
