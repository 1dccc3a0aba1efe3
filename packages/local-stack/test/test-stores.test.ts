import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { startTestStores, type TestStores } from '../src/test-stores.ts';
import { createTestDatabase, describeWithRedis, redisPrefix, testStores } from '../src/testing.ts';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const withClient = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
};

const isListening = async (host: string, port: number): Promise<boolean> => {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

describe('a test database', () => {
  test('has every migration and no row', async () => {
    const database = await createTestDatabase(testStores());
    const counts = await withClient(database.url, async (client) => {
      const applied = await client.query<{ count: number }>(
        "select count(*)::int as count from pg_tables where tablename = 'messages'",
      );
      const rows = await client.query<{ count: number }>('select count(*)::int as count from messages');
      return [applied.rows[0]?.count, rows.rows[0]?.count];
    });
    expect(counts).toEqual([1, 0]);
    await database.drop();
  });

  test('shares nothing with another, even when eight are made at once', async () => {
    const databases = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase(testStores())));
    const names = await Promise.all(
      databases.map(({ url }) =>
        withClient(url, async (client) => {
          await client.query('create table only_here (id int primary key)');
          return (await client.query<{ name: string }>('select current_database() as name')).rows[0]?.name;
        }),
      ),
    );
    expect(new Set(names).size).toBe(8);
    await Promise.all(databases.map((database) => database.drop()));
  });

  test('that is dropped with a connection open is reported by the name of the connection', async () => {
    const database = await createTestDatabase(testStores());
    await withClient(`${database.url}?application_name=left-open`, async () => {
      await expect(database.drop()).rejects.toThrow(/1 connection\(s\).*left-open/);
    });
  });
});

describe('stores', () => {
  test('end when the run that started them is killed', { timeout: 60_000 }, async () => {
    const run = spawn(process.execPath, [pathOf('./hold-test-stores.fixture.ts')], {
      env: { ...process.env, TEST_STORES: 'postgres' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: run.stdout }), 'line');
    const { hostname, port } = new URL((JSON.parse(String(line)) as TestStores).adminUrl);
    expect(await isListening(hostname, Number(port))).toBe(true);
    run.kill('SIGKILL');
    await once(run, 'exit');
    await expect.poll(() => isListening(hostname, Number(port)), { timeout: 20_000 }).toBe(false);
  });

  test('of an unknown kind are refused with the kinds there are', async () => {
    await expect(startTestStores({ ...process.env, TEST_STORES: 'docker' })).rejects.toThrow(
      'TEST_STORES is "docker"; it must be one of auto, containers, local, postgres.',
    );
  });

  test('that must be containers are never replaced by something else', { timeout: 60_000 }, async () => {
    const env = {
      ...process.env,
      TEST_STORES: 'containers',
      TEST_POSTGRES_IMAGE: 'registry.invalid/reconfirm/none:1',
    };
    await expect(startTestStores(env)).rejects.toThrow(
      /^TEST_STORES=containers, but .*(is not there and cannot be pulled|no container engine answers)/,
    );
  });
});

describeWithRedis('a Redis prefix', (redisUrl) => {
  test('keeps two files on one server apart', async () => {
    const [one, other] = [redisPrefix(testStores()), redisPrefix(testStores())];
    const redis = new Redis(redisUrl);
    await redis.set(`${one}:key`, 'one');
    expect(await redis.get(`${other}:key`)).toBeNull();
    await redis.del(`${one}:key`);
    await redis.quit();
  });
});

type VitestReport = { testResults: { name: string; status: string; message: string }[] };

describe('the leak check', () => {
  test('fails each file that leaves something open, and only those', { timeout: 90_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reconfirm-leaks-'));
    const report = join(folder, 'report.json');
    const vitest = fileURLToPath(new URL('../vitest.mjs', import.meta.resolve('vitest')));
    const args = [
      vitest,
      'run',
      '--config',
      pathOf('./leak-check-config.fixture.ts'),
      '--reporter=json',
      `--outputFile=${report}`,
    ];
    const env = {
      ...process.env,
      TEST_STORES: 'auto',
      TEST_DATABASE_URL: testStores().adminUrl,
      TEST_REDIS_URL: '',
    };
    await new Promise((resolve) =>
      execFile(process.execPath, args, { env, cwd: pathOf('./leaks') }, resolve),
    );
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
    await rm(folder, { recursive: true });
    const outcomes = Object.fromEntries(
      testResults.map(({ name, status }) => [basename(name, '.fixture.ts'), status]),
    );
    expect(outcomes).toEqual({
      closed: 'passed',
      dropped: 'failed',
      grandchild: 'failed',
      pool: 'failed',
      process: 'failed',
      server: 'failed',
      socket: 'failed',
      timer: 'failed',
    });
    expect(testResults.find(({ name }) => name.endsWith('pool.fixture.ts'))?.message).toContain(
      'forgotten-pool',
    );
  });
});
