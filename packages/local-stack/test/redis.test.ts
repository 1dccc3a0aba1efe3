import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { findRedisServer, startRedis, waitUntil } from '../src/index.ts';
import { temporaryFolder } from './fixtures/temporary-folder.ts';

const fakeServer = (folder: string, name: string, version: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "${version}"\n`);
  chmodSync(path, 0o755);
  return path;
};

describe('finding a server', () => {
  test('the first recent one on PATH is taken, and one that is too old is passed over', async () => {
    using old = temporaryFolder();
    using recent = temporaryFolder();
    fakeServer(old.path, 'redis-server', 'Redis server v=6.0.16 sha=00000000:0');
    const path = fakeServer(recent.path, 'valkey-server', 'Valkey server v=8.1.4 sha=00000000:0');
    expect(await findRedisServer({ PATH: `${old.path}:${recent.path}` })).toBe(path);
    expect(await findRedisServer({ PATH: old.path })).toBeUndefined();
  });

  test('REDIS_SERVER_BIN wins, and is refused when it is something else', async () => {
    using folder = temporaryFolder();
    const path = fakeServer(folder.path, 'my-redis', 'Redis server v=7.2.5 sha=00000000:0');
    expect(await findRedisServer({ PATH: '', REDIS_SERVER_BIN: path })).toBe(path);
    await expect(findRedisServer({ PATH: '', REDIS_SERVER_BIN: '/bin/true' })).rejects.toMatchObject({
      code: 'missing_tool',
    });
  });
});

const withClient = async (url: string, use: (redis: Redis) => Promise<unknown>): Promise<void> => {
  const redis = new Redis(url, { lazyConnect: true });
  try {
    await redis.connect();
    await use(redis);
  } finally {
    redis.disconnect();
  }
};

const binary = await findRedisServer(process.env);

// The machine may have Redis in a container only; the search above is tested everywhere.
describe.runIf(binary !== undefined)('a private server (Redis)', () => {
  test('answers only with its password, evicts nothing and writes nothing', async () => {
    await using server = await startRedis({ binary: binary ?? '' });
    await withClient(server.url, async (redis) => {
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await redis.config('GET', 'save')).toEqual(['save', '']);
      expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    });
    const stranger = connect(server.port, '127.0.0.1').end('PING\r\n');
    expect(await text(stranger)).toMatch(/^-NOAUTH /);
  });

  test('starts empty, whatever an earlier server left in its folder', async () => {
    using folder = temporaryFolder();
    // As a newer version writes it: one that reads it ends.
    writeFileSync(join(folder.path, 'dump.rdb'), 'REDIS9999');
    await using server = await startRedis({ binary: binary ?? '', dataDir: folder.path });
    await withClient(server.url, async (redis) => expect(await redis.dbsize()).toBe(0));
  });

  test('leaves nothing in its folder, also as a replica, which is sent a whole copy', async () => {
    using folder = temporaryFolder();
    await using primary = await startRedis({ binary: binary ?? '' });
    await withClient(primary.url, (redis) => redis.set('key', 'value'));
    await using replica = await startRedis({
      binary: binary ?? '',
      dataDir: folder.path,
      password: primary.password,
      settings: { replicaof: `127.0.0.1 ${primary.port}` },
    });
    await withClient(replica.url, async (redis) => {
      const isCopied = async () => (await redis.info('replication')).includes('master_link_status:up');
      await waitUntil('the replica has its copy', isCopied, 30_000);
      expect(await redis.get('key')).toBe('value');
    });
    await replica.stop();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('a port that is taken is named in one sentence', async () => {
    await using server = await startRedis({ binary: binary ?? '' });
    await expect(startRedis({ binary: binary ?? '', port: server.port })).rejects.toMatchObject({
      code: 'port_busy',
    });
  });
});
