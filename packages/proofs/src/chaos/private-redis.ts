import { randomBytes } from 'node:crypto';
import { findFreePort, startRedis, type RunningRedis } from '@reconfirm/local-stack';
import { Redis } from 'ioredis';

/** A Redis of the run's own, without persistence, that can be emptied, killed and started again at its place. */
export interface PrivateRedis extends AsyncDisposable {
  readonly url: string;
  /** FLUSHALL. False when it is not there. */
  empty(): Promise<boolean>;
  /** SIGKILL; it is gone with all it held. */
  kill(): Promise<void>;
  /** Starts it again, empty, at the same place. */
  restart(): Promise<void>;
  isUp(): boolean;
}

export const startPrivateRedis = async (binary: string): Promise<PrivateRedis> => {
  const place = { binary, port: await findFreePort(), password: randomBytes(16).toString('hex') };
  let running: RunningRedis | undefined = await startRedis(place);
  let starting: Promise<RunningRedis> | undefined;
  const { url } = running;
  return {
    url,
    isUp: () => running !== undefined,
    empty: async () => {
      const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: null });
      redis.on('error', () => undefined);
      try {
        await redis.connect();
        await redis.flushall();
        return true;
      } catch {
        return false;
      } finally {
        redis.disconnect();
      }
    },
    kill: async () => {
      const killed = running;
      running = undefined;
      if (killed === undefined) return;
      process.kill(killed.pid, 'SIGKILL');
      await killed.exited;
    },
    restart: async () => {
      if (running !== undefined) return;
      starting ??= startRedis(place);
      running = await starting;
      starting = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await running?.stop();
    },
  };
};
