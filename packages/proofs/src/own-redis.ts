import {
  findFreePort,
  findRedisServer,
  startRedis,
  type RedisOptions,
  type RunningRedis,
} from '@reconfirm/local-stack';
import { Redis } from 'ioredis';

/** A Redis that nobody else uses: it may be killed, emptied, filled, made read-only. */
export interface OwnRedis extends AsyncDisposable {
  /** The same after each start. */
  readonly url: string;
  readonly port: number;
  readonly password: string;
  /** One command over a connection of its own. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** SIGKILL, as an out-of-memory killer does it; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Whether it runs and has not been killed. */
  isUp(): boolean;
  /** Starts it again if it was killed: empty, and set up as at first. */
  restart(): Promise<void>;
}

export type OwnRedisOptions = Omit<RedisOptions, 'binary' | 'port' | 'logFile'>;

/** The redis-server or valkey-server of this machine, by REDIS_SERVER_BIN or on PATH; undefined without one. */
export const redisBinary = (): Promise<string | undefined> => findRedisServer(process.env);

export const startOwnRedis = async (binary: string, options: OwnRedisOptions = {}): Promise<OwnRedis> => {
  const given = { ...options, binary, port: await findFreePort() };
  const first = await startRedis(given);
  let server: RunningRedis | undefined = first;
  let starting: Promise<RunningRedis> | undefined;
  const kill = async (): Promise<void> => {
    const killed = server;
    if (killed === undefined) return;
    server = undefined;
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    await killed.stop();
  };
  const command: OwnRedis['command'] = async (name, ...args) => {
    const redis = new Redis(first.url, { lazyConnect: true, maxRetriesPerRequest: 1 });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await redis.call(name, ...args);
    } finally {
      redis.disconnect();
    }
  };
  return {
    url: first.url,
    port: first.port,
    password: first.password,
    command,
    kill,
    isUp: () => server !== undefined,
    restart: async () => {
      if (server !== undefined) return;
      // Two may ask for it at the same time.
      starting ??= startRedis({ ...given, password: first.password });
      server = await starting;
      starting = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await server?.stop();
      server = undefined;
    },
  };
};
