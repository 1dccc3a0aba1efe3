import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { isPortFree, up } from '../src/index.ts';
import { processIdentity } from '../src/process-identity.ts';
import { temporaryFolder } from './fixtures/temporary-folder.ts';
import { waitUntil } from '../src/wait-until.ts';

const FAKE_SERVICE = join(import.meta.dirname, 'fixtures', 'fake-service.fixture.ts');
const RUN_UP = join(import.meta.dirname, 'fixtures', 'run-up.fixture.ts');

/** A repository with stand-ins for what the stack starts; the stack itself is the real one. */
const createRepo = (): Disposable & { path: string } => {
  const folder = temporaryFolder();
  for (const dir of ['apps/api/src', 'apps/mailer-worker/src', 'packages/db/src'])
    mkdirSync(join(folder.path, dir), { recursive: true });
  cpSync(FAKE_SERVICE, join(folder.path, 'fake-service.ts'));
  const service = (name: string, port: string): string =>
    `import { runFakeService } from '../../../fake-service.ts';\nrunFakeService('${name}', process.env.${port});\n`;
  writeFileSync(join(folder.path, 'apps/api/src/main.ts'), service('API', 'PORT'));
  writeFileSync(join(folder.path, 'apps/mailer-worker/src/main.ts'), service('WORKER', 'OPS_PORT'));
  writeFileSync(
    join(folder.path, 'packages/db/src/migrate.ts'),
    `if (process.env.FAKE_MIGRATE === 'fail') {\n  console.error('no, for a reason');\n  process.exit(1);\n}\nconsole.log('Migrated.');\n`,
  );
  return folder;
};

// Without Redis on the way every machine runs the same.
const BARE = { PATH: '/nonexistent', OPS_PORT: '0' };

type Run = { lines: string[]; exitCode: Promise<number>; stop(): void; ready(): Promise<string> };

const startUp = (repoDir: string, argv: string[], env: Record<string, string | undefined> = {}): Run => {
  const lines: string[] = [];
  const stopping = new AbortController();
  const exitCode = up({
    repoDir,
    argv: ['--port', '0', ...argv],
    env: { ...BARE, ...env },
    signal: stopping.signal,
    print: (line) => lines.push(...line.split('\n')),
  });
  const addressLine = (): string | undefined => lines.find((line) => line.includes('Try it'));
  return {
    lines,
    exitCode,
    stop: () => stopping.abort(),
    ready: async () => {
      await Promise.race([
        waitUntil('the stack is ready', () => addressLine() !== undefined, 15_000),
        exitCode,
      ]);
      const address = /http:\S+/.exec(addressLine() ?? '')?.[0];
      if (address === undefined) throw new Error(`It did not start: ${lines.join('\n')}`);
      return address;
    },
  };
};

const environmentOf = async (address: string): Promise<Record<string, string>> => {
  const response = await fetch(address, { headers: { connection: 'close' } });
  return (await response.json()) as Record<string, string>;
};

test('the services get stores, keys and addresses, which the next start keeps and --fresh does not', async () => {
  using repo = createRepo();
  const seen: Record<string, string>[] = [];
  for (const argv of [[], [], ['--fresh']]) {
    const run = startUp(repo.path, argv);
    seen.push(await environmentOf(await run.ready()));
    run.stop();
    expect(await run.exitCode).toBe(0);
  }
  const [first, second, fresh] = seen;
  expect(first).toMatchObject({
    NODE_ENV: 'development',
    QUEUE_BACKEND: 'postgres',
    HOST: '127.0.0.1',
    DEMO_PAGE: 'on',
  });
  expect(first?.['DATABASE_URL']).toMatch(/^postgres:\/\/postgres:[0-9a-f]{32}@127\.0\.0\.1:\d+\/reconfirm$/);
  expect(first?.['TOKEN_KEYS']).toMatch(/^1:[A-Za-z0-9+/]{43}=$/);
  for (const name of ['DATABASE_URL', 'TOKEN_KEYS', 'ADDRESS_HASH_KEY', 'ADMIN_KEY'])
    expect(second?.[name]).toBe(first?.[name]);
  for (const name of ['TOKEN_KEYS', 'ADDRESS_HASH_KEY', 'ADMIN_KEY'])
    expect(fresh?.[name]).not.toBe(first?.[name]);
}, 60_000);

test("a person's own settings win, and TLS is never switched off for a server of theirs", async () => {
  using repo = createRepo();
  const run = startUp(repo.path, [], {
    LOG_LEVEL: 'debug',
    SMTP_URL: 'smtp://mail.example.com:587',
    ADMIN_KEY: 'my-own',
  });
  const api = await environmentOf(await run.ready());
  expect(api).toMatchObject({ LOG_LEVEL: 'debug', ADMIN_KEY: 'my-own' });
  expect(run.lines.join('\n')).not.toContain('my-own');
  const workerLine = run.lines.find((line) => line.includes('worker')) ?? '';
  const worker = await environmentOf(`http://127.0.0.1:${/on port (\d+)/.exec(workerLine)?.[1]}/`);
  expect(worker['SMTP_URL']).toBe('smtp://mail.example.com:587');
  expect(worker['SMTP_TLS']).toBeUndefined();
  run.stop();
  expect(await run.exitCode).toBe(0);
});

test('stopping ends the worker before the API, within 5 s even when both refuse, and leaves nothing', async () => {
  using repo = createRepo();
  const orderly = startUp(repo.path, []);
  await orderly.ready();
  orderly.stop();
  expect(await orderly.exitCode).toBe(0);
  expect(readFileSync(join(repo.path, 'stopped.txt'), 'utf8')).toBe('WORKER\nAPI\n');

  const stubborn = startUp(repo.path, [], { FAKE_API: 'hang', FAKE_WORKER: 'hang' });
  const { port } = new URL(await stubborn.ready());
  const stoppedAt = performance.now();
  stubborn.stop();
  expect(await stubborn.exitCode).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(5000);
  expect(await isPortFree(Number(port))).toBe(true);
}, 40_000);

test('stopping in the middle of the start ends it at once', async () => {
  using repo = createRepo();
  const run = startUp(repo.path, []);
  await waitUntil('something is up', () => run.lines.length >= 2);
  const stoppedAt = performance.now();
  run.stop();
  expect(await run.exitCode).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(5000);
});

test('a process that dies ends the whole, which says which one and shows its last lines', async () => {
  using repo = createRepo();
  const run = startUp(repo.path, []);
  const address = await run.ready();
  await fetch(`${address}die`).catch(() => undefined);
  expect(await run.exitCode).toBe(1);
  expect(run.lines).toContain('The api ended by itself (code 3). Its last lines:');
  expect(run.lines).toContain('  API is ready');
});

test.each<[string, Record<string, string>, RegExp]>([
  ['an app that cannot start', { FAKE_API: 'fail' }, /^The api ended by itself \(code 78\)/],
  [
    'a migration that fails',
    { FAKE_MIGRATE: 'fail' },
    /^The database could not be prepared: no, for a reason$/,
  ],
  [
    'a Redis that is none',
    { REDIS_SERVER_BIN: '/bin/true' },
    /^REDIS_SERVER_BIN is \/bin\/true, which is no Redis/,
  ],
  ['a port that is no number', { OPS_PORT: 'abc' }, /^OPS_PORT is "abc", which is no port number/],
])('%s is one sentence and exit code 1', async (_case, env, sentence) => {
  using repo = createRepo();
  const run = startUp(repo.path, [], env);
  expect(await run.exitCode).toBe(1);
  expect(run.lines.filter((line) => sentence.test(line))).toHaveLength(1);
  expect(run.lines.join('\n')).not.toMatch(/\bat .*\.ts:\d+/);
});

test('keys that are lost while the data is there are not replaced by new ones', async () => {
  using repo = createRepo();
  const first = startUp(repo.path, []);
  await first.ready();
  first.stop();
  await first.exitCode;
  rmSync(join(repo.path, '.reconfirm', 'secrets.json'));
  const second = startUp(repo.path, []);
  expect(await second.exitCode).toBe(1);
  expect(second.lines.at(-1)).toMatch(/are missing or damaged.*npm start -- --fresh/);
});

test('the key that signs access tokens is made once and kept, also where there were keys without it', async () => {
  using repo = createRepo();
  const path = join(repo.path, '.reconfirm', 'secrets.json');
  const sessionKeysOf = async (): Promise<unknown> => {
    const run = startUp(repo.path, []);
    const address = await run.ready();
    const environment = (await (await fetch(address)).json()) as Record<string, string>;
    run.stop();
    await run.exitCode;
    return environment['SESSION_KEYS'];
  };
  const first = await sessionKeysOf();
  expect(first).toMatch(/^local-1:[A-Za-z0-9+/]{100,}={0,2}$/);
  expect(await sessionKeysOf()).toBe(first);

  const { sessionKeys: _, ...earlier } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  writeFileSync(path, JSON.stringify(earlier));
  const completed = await sessionKeysOf();
  expect(completed).toMatch(/^local-1:/);
  expect(await sessionKeysOf()).toBe(completed);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ ...earlier, sessionKeys: completed });
});

test('a busy port is refused with what to do, and nothing is left running', async () => {
  using repo = createRepo();
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const { port } = occupant.address() as { port: number };
  const run = startUp(repo.path, ['--port', String(port)]);
  expect(await run.exitCode).toBe(1);
  expect(run.lines.at(-1)).toBe(
    `Port ${port}, which --port asks for, is in use: stop what uses it, or choose another one.`,
  );
  occupant.close();
  await once(occupant, 'close');
});

test('an unknown option is a usage error', async () => {
  using repo = createRepo();
  const run = startUp(repo.path, ['--frehs']);
  expect(await run.exitCode).toBe(2);
  expect(run.lines).toEqual(["Unknown option '--frehs': `npm start -- --help` lists what can be said."]);
});

test('two at once in one folder do not get in each other’s way, and a killed one locks nobody out', async () => {
  using repo = createRepo();
  const child = spawn(process.execPath, [RUN_UP, repo.path], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...BARE },
  });
  const output = createInterface({ input: child.stdout });
  const lines: string[] = [];
  output.on('line', (line) => lines.push(line));
  await Promise.race([
    waitUntil(
      'the first is ready',
      () => lines.some((line) => line.includes('Ctrl-C stops everything')),
      15_000,
    ),
    once(child, 'exit').then(() => Promise.reject(new Error(`It did not start: ${lines.join('\n')}`))),
  ]);

  const second = startUp(repo.path, []);
  expect(await second.exitCode).toBe(1);
  expect(second.lines.at(-1)).toMatch(/^Reconfirm is already running in this folder \(process \d+\)/);

  const pids = ['api', 'worker', 'inbox'].map(
    (name) =>
      (
        JSON.parse(readFileSync(join(repo.path, '.reconfirm', 'run', `${name}.pid`), 'utf8')) as {
          pid: number;
        }
      ).pid,
  );
  child.kill('SIGKILL');
  await waitUntil('no service runs', () => pids.every((pid) => processIdentity(pid) === undefined));
  const third = startUp(repo.path, []);
  await third.ready();
  third.stop();
  expect(await third.exitCode).toBe(0);
}, 60_000);
