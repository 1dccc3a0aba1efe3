import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort, waitUntil } from '@reconfirm/local-stack';
import { type OwnRedis, startOwnRedis } from './own-redis.ts';

/** Three masters without replicas, that nobody else uses. */
export interface OwnRedisCluster extends AsyncDisposable {
  readonly masters: readonly OwnRedis[];
  /** The names of all keys, of the masters that are there. */
  keys(): Promise<readonly string[]>;
  /** The master that a key belongs to. */
  masterOf(key: string): Promise<OwnRedis>;
  /** Resolves when each of them finds every slot served. */
  untilWhole(): Promise<void>;
}

const SLOTS = 16_384;
/** Until the others call a silent node failed; 15 s unless it is said. */
const NODE_TIMEOUT_MS = '1500';

/** Starts and joins them. Needs Redis 7 or Valkey, for a bus port of its own. */
export const startOwnRedisCluster = async (binary: string): Promise<OwnRedisCluster> => {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'reconfirm-redis-cluster-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const masters: OwnRedis[] = [];
  for (const name of ['first', 'second', 'third']) {
    const busPort = await findFreePort();
    const master = await startOwnRedis(binary, {
      dataDir: join(folder, name),
      ...(masters[0] !== undefined && { password: masters[0].password }),
      settings: {
        'cluster-enabled': 'yes',
        'cluster-config-file': 'nodes.conf',
        'cluster-node-timeout': NODE_TIMEOUT_MS,
        'cluster-port': String(busPort),
        'cluster-announce-ip': '127.0.0.1',
      },
    });
    masters.push(opened.use(master));
    await masters[0]?.command('CLUSTER', 'MEET', '127.0.0.1', master.port, busPort);
  }
  const share = Math.ceil(SLOTS / masters.length);
  for (const [index, master] of masters.entries())
    await master.command('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min(SLOTS, (index + 1) * share) - 1);

  const isWhole = async (): Promise<boolean> => {
    const infos = await Promise.all(
      masters.map(async (master) => String(await master.command('CLUSTER', 'INFO'))),
    );
    return infos.every(
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters.length}`),
    );
  };
  const untilWhole = (): Promise<void> => waitUntil('the cluster is whole', isWhole, 30_000);
  await untilWhole();
  const stack = opened.move();
  return {
    masters,
    keys: async () => {
      const found = await Promise.allSettled(masters.map((master) => master.command('KEYS', '*')));
      return found.flatMap((keys) => (keys.status === 'fulfilled' ? (keys.value as string[]) : []));
    },
    masterOf: async (key) => {
      const slot = Number(await masters[0]?.command('CLUSTER', 'KEYSLOT', key));
      const owner = masters[Math.floor(slot / share)];
      if (owner === undefined) throw new Error(`No master has the slot ${slot}`);
      return owner;
    },
    untilWhole,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
