import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createDatabase, removePostgresData, startPostgres, StackError } from '../src/index.ts';
import { processIdentity, readProcess } from '../src/process-identity.ts';
import { temporaryFolder } from './fixtures/temporary-folder.ts';
import { waitUntil } from '../src/wait-until.ts';

const query = async (url: string, text: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
};

const isRunning = (pid: number): boolean => processIdentity(pid) !== undefined;

test('the data is there again after a stop, and no process is left', async () => {
  using folder = temporaryFolder();
  const first = await startPostgres({ dataDir: folder.path, durable: true });
  await createDatabase(first.url('postgres'), 'shop');
  await createDatabase(first.url('postgres'), 'shop');
  await query(first.url('shop'), 'create table kept as select 7 as number');
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);
  await using second = await startPostgres({ dataDir: folder.path, durable: true });
  expect(await query(second.url('shop'), 'select number from kept')).toEqual([{ number: 7 }]);
  expect(second.port).toBe(first.port);
});

test('stopping disconnects a client that is in the middle of something', async () => {
  using folder = temporaryFolder();
  const postgres = await startPostgres({ dataDir: folder.path, durable: false });
  const client = new pg.Client({ connectionString: postgres.url('postgres') });
  client.on('error', () => undefined);
  await client.connect();
  const sleeping = client.query('select pg_sleep(60)').then(
    () => 'ended by itself',
    () => 'disconnected',
  );
  await postgres.stop();
  expect(await sleeping).toBe('disconnected');
  expect(isRunning(postgres.pid)).toBe(false);
});

test('only the password opens it, and only on the loopback', async () => {
  using folder = temporaryFolder();
  await using postgres = await startPostgres({ dataDir: folder.path, durable: false });
  const wrong = postgres.url('postgres').replace(/:[0-9a-f]{32}@/, ':wrong@');
  await expect(query(wrong, 'select 1')).rejects.toThrow(/password authentication failed/);
  const [settings] = (await query(postgres.url('postgres'), 'show listen_addresses')) as {
    listen_addresses: string;
  }[];
  expect(settings?.listen_addresses).toBe('127.0.0.1');
});

const startHolder = async (dataDir: string): Promise<{ holder: ChildProcess; pids: number[] }> => {
  const holder = spawn(
    process.execPath,
    [join(import.meta.dirname, 'fixtures', 'hold-stores.fixture.ts'), dataDir],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string];
  return { holder, pids: (JSON.parse(line) as { pids: number[] }).pids };
};

/** The guards that a process has started. */
const guardsOf = (pid: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((candidate) => candidate > 1)
    .flatMap((candidate) => readProcess(candidate) ?? [])
    .filter(({ parentPid, command }) => parentPid === pid && command.includes('end-with-parent.sh'))
    .map((guard) => guard.pid);

test('when the process that started the stores is killed, they end by themselves and in order', async () => {
  using folder = temporaryFolder();
  const { holder, pids } = await startHolder(folder.path);
  holder.kill('SIGKILL');
  await waitUntil('no store runs', () => !pids.some(isRunning));
  expect(existsSync(join(folder.path, 'cluster', 'postmaster.pid'))).toBe(false);
});

test.runIf(process.platform === 'linux')(
  'what even the guards could not end is ended by the next start',
  async () => {
    using folder = temporaryFolder();
    const { holder, pids } = await startHolder(folder.path);
    const guards = guardsOf(holder.pid ?? 0);
    expect(guards).toHaveLength(pids.length);
    for (const guard of guards) process.kill(guard, 'SIGKILL');
    await waitUntil('no guard runs', () => !guards.some(isRunning));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(pids.every(isRunning)).toBe(true);
    const next = await startHolder(folder.path);
    expect(pids.some(isRunning)).toBe(false);
    next.holder.kill('SIGKILL');
    await waitUntil('no store runs', () => !next.pids.some(isRunning));
  },
);

test('after Postgres itself was killed the next start waits for what it left at work, and recovers', async () => {
  using folder = temporaryFolder();
  const first = await startPostgres({ dataDir: folder.path, durable: true });
  await query(first.url('postgres'), 'create table kept as select 7 as number');
  // It never waits, so it does not notice that its server is gone before it is done, after about a second.
  const busy = new pg.Client({ connectionString: first.url('postgres') });
  busy.on('error', () => undefined);
  await busy.connect();
  const counted = busy.query('select count(*) from generate_series(1, 5000000)').then(
    () => 'done',
    () => 'cut off',
  );
  process.kill(first.pid, 'SIGKILL');
  await using second = await startPostgres({ dataDir: folder.path, durable: true });
  expect(await query(second.url('postgres'), 'select number from kept')).toEqual([{ number: 7 }]);
  expect(await counted).toBe('done');
  await busy.end();
});

test('a pid file whose number belongs to another program by now does not stop the start', async () => {
  using folder = temporaryFolder();
  const first = await startPostgres({ dataDir: folder.path, durable: false });
  await first.stop();
  // As the user that Postgres runs as: only then does Postgres itself take it for another server.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const innocent = spawn('sleep', ['60'], user);
  writeFileSync(join(folder.path, 'cluster', 'postmaster.pid'), `${innocent.pid}\n/elsewhere\n1\n5432\n`);
  chmodSync(join(folder.path, 'cluster', 'postmaster.pid'), 0o644);
  await using second = await startPostgres({ dataDir: folder.path, durable: false });
  expect(await query(second.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(isRunning(innocent.pid ?? 0)).toBe(true);
  innocent.kill();
  await once(innocent, 'exit');
});

test.each<[string, (cluster: string) => void, string]>([
  ['PG_VERSION is missing', (cluster) => rmSync(join(cluster, 'PG_VERSION')), 'it is not complete'],
  [
    'another major version made it',
    (cluster) => writeFileSync(join(cluster, 'PG_VERSION'), '15\n'),
    'it was made by Postgres 15, not 18',
  ],
  [
    'its control file is missing',
    (cluster) => rmSync(join(cluster, 'global', 'pg_control')),
    'could not open file',
  ],
  [
    'its settings are damaged',
    (cluster) => writeFileSync(join(cluster, '..', 'settings.json'), '{'),
    'are damaged',
  ],
  ['its settings are missing', (cluster) => rmSync(join(cluster, '..', 'settings.json')), 'are missing'],
])(
  'a data folder is refused with one sentence that says what to do when %s',
  async (_case, breakIt, reason) => {
    using folder = temporaryFolder();
    const first = await startPostgres({ dataDir: folder.path, durable: false });
    await first.stop();
    breakIt(join(folder.path, 'cluster'));
    const error = await startPostgres({ dataDir: folder.path, durable: false }).then(
      (started) => started.stop(),
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(StackError);
    expect(error).toMatchObject({ code: 'broken_data' });
    expect((error as StackError).message).toMatch(
      /^[^\n]* run `npm start -- --fresh` to delete it and begin anew\.$/,
    );
    expect((error as StackError).message).toContain(reason);
  },
);

test('an initialisation that was cut short is begun again', async () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, 'cluster.new', 'base'), { recursive: true });
  await using postgres = await startPostgres({ dataDir: folder.path, durable: false });
  expect(await query(postgres.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.runIf(process.getuid?.() === 0)(
  'run by root below a folder that only root may enter, the data lives where Postgres can reach it, and goes with its folder',
  async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o700);
    const dataDir = join(folder.path, 'postgres');
    const first = await startPostgres({ dataDir, durable: false });
    await first.stop();
    expect(first.clusterDir.startsWith(folder.path)).toBe(false);
    const second = await startPostgres({ dataDir, durable: false });
    await second.stop();
    expect(second.clusterDir).toBe(first.clusterDir);
    await removePostgresData(dataDir);
    expect(existsSync(first.clusterDir)).toBe(false);
    expect(existsSync(dataDir)).toBe(false);
  },
);

test('a busy port is refused when it was asked for and avoided when it was not', async () => {
  using folder = temporaryFolder();
  const first = await startPostgres({ dataDir: folder.path, durable: false });
  await first.stop();
  const occupant = createServer().listen(first.port, '127.0.0.1');
  await once(occupant, 'listening');
  try {
    await expect(
      startPostgres({ dataDir: folder.path, durable: false, port: first.port }),
    ).rejects.toMatchObject({ code: 'port_busy' });
    await using second = await startPostgres({ dataDir: folder.path, durable: false });
    expect(second.port).not.toBe(first.port);
  } finally {
    occupant.close();
    await once(occupant, 'close');
  }
});
