import { Redis } from 'ioredis';

/**
 * Forgets everything that an installation keeps in Redis, in one step: to this installation the same as
 * FLUSHALL, which would also empty the tests that share the server.
 */
export const emptyRedis = async (url: string, prefix: string): Promise<number> => {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  try {
    await redis.connect();
    const deleted = await redis.eval(
      `local keys = redis.call('KEYS', ARGV[1])
       for _, key in ipairs(keys) do redis.call('DEL', key) end
       return #keys`,
      0,
      `*${prefix}*`,
    );
    return Number(deleted);
  } finally {
    redis.disconnect();
  }
};
