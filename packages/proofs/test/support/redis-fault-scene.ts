import { openTcpProxy, type TcpProxy, type Way } from '@reconfirm/local-stack';
import { redisSettings } from '../../src/installation.ts';
import { type OwnRedis, startOwnRedis } from '../../src/own-redis.ts';
import { type MailScene, openMailScene } from './mail-scene.ts';

/** A Redis of its own, and on the way to it a proxy: both for tests to break. */
export interface RedisFaultScene extends MailScene {
  readonly redis: OwnRedis;
  readonly proxy: TcpProxy;
  /** Ends every fault that an earlier test may have left; resolves when Redis is used. */
  mend(): Promise<void>;
}

/** `first`: how the way to Redis is when the API and the worker start. */
export const openRedisFaultScene = async (binary: string, first: Way): Promise<RedisFaultScene> => {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startOwnRedis(binary));
  const proxy = opened.use(await openTcpProxy(redis.url, { first }));
  const scene = opened.use(
    await openMailScene({
      settings: redisSettings(proxy.url),
      redisKeys: async () => (await redis.command('KEYS', '*')) as string[],
    }),
  );
  const stack = opened.move();
  return {
    ...scene,
    redis,
    proxy,
    mend: async () => {
      await proxy.become('open');
      await redis.restart();
      await redis.command('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
      await redis.command('REPLICAOF', 'NO', 'ONE');
      await scene.untilUsed();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
