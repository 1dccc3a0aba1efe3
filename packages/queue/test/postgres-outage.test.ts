import { openTcpProxy, type TcpProxy } from '@reconfirm/local-stack';
import { createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { postgresBackend } from '../src/backend.ts';
import { createDoorbell } from '../src/doorbell.ts';
import { newId, ringTimeoutMs } from './support/backends.ts';
import { listen } from './support/handled.ts';

/** BullMQ on Postgres remembers a failed start, and asks again at once: both would end a worker for good. */
describe('a queue on a Postgres that is away', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let proxy: TcpProxy;

  beforeEach(async () => {
    database = await createTestDatabase(testStores());
    proxy = await openTcpProxy(database.url, { first: 'closed' });
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    await database.drop();
  });

  const backend = () => ({ ...postgresBackend(proxy.url, 'test-queue'), poolMax: 2 });

  test('since its start: the worker leaves the process its turn, and works once it is there', async () => {
    await using worker = listen(backend());
    const startMs = performance.now();
    await expect.poll(() => worker.errors.length, { timeout: 5000 }).toBeGreaterThan(0);
    const cpuStart = process.cpuUsage();
    await expect.poll(() => performance.now() - startMs > 2500, { timeout: 10_000 }).toBe(true);
    const { user, system } = process.cpuUsage(cpuStart);
    expect((user + system) / 1000, 'CPU ms while it waits').toBeLessThan(1500);

    await proxy.become('open');
    const doorbell = createDoorbell({ backend: backend(), timeoutMs: 5000, onChange: () => {} });
    const id = newId();
    await expect
      .poll(() => doorbell.ringAll([{ messageId: id, attempt: 0 }]), { timeout: 10_000 })
      .toBe(true);
    await worker.seen(id);
    await doorbell.close();
  });

  test('since its start: a doorbell rings once it is there', async () => {
    const doorbell = createDoorbell({ backend: backend(), timeoutMs: ringTimeoutMs, onChange: () => {} });
    const ring = () => doorbell.ringAll([{ messageId: newId(), attempt: 0 }]);
    expect(await ring()).toBe(false);
    await proxy.become('open');
    await expect.poll(ring, { timeout: 15_000, interval: 200 }).toBe(true);
    await doorbell.close();
  });

  test('for a while: a worker that was at work goes on afterwards', async () => {
    await proxy.become('open');
    await using worker = listen(backend());
    const doorbell = createDoorbell({ backend: backend(), timeoutMs: 5000, onChange: () => {} });
    const before = newId();
    await doorbell.ringAll([{ messageId: before, attempt: 0 }]);
    await worker.seen(before);
    await proxy.become('closed');
    await expect.poll(() => worker.errors.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await proxy.become('open');
    const after = newId();
    const ring = () => doorbell.ringAll([{ messageId: after, attempt: 0 }]);
    await expect.poll(ring, { timeout: 15_000, interval: 200 }).toBe(true);
    await worker.seen(after);
    await doorbell.close();
  });

  test('in the middle of its start: the ring fails, and nothing else', async () => {
    await proxy.become('open');
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    // What BullMQ's own start waits for: its connection is at work and nobody of the pool listens to it,
    // so its end is an uncaught exception, which vitest counts as a failure and a process of ours dies of.
    await other.query('SELECT pg_advisory_lock($1, hashtext($2))', [0x42_55_4c_4c, backend().schema]);
    const doorbell = createDoorbell({ backend: backend(), timeoutMs: 5000, onChange: () => {} });
    const ringing = doorbell.ringAll([{ messageId: newId(), attempt: 0 }]);
    const waiting = () =>
      other.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
        (SELECT oid FROM pg_database WHERE datname = current_database())`);
    await expect.poll(async () => (await waiting()).rowCount, { timeout: 10_000 }).toBeGreaterThan(0);
    await proxy.become('closed');
    expect(await ringing).toBe(false);
    await other.end();
    await doorbell.close();
  });
});
