import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { BatchWaitTooLong } from '../src/batcher.ts';
import { isUnavailable, openDatabase, wasNotWritten } from '../src/database.ts';

const withCode = (code: string): Error => Object.assign(new Error('a fault'), { code });

interface Fault {
  readonly what: string;
  readonly error: unknown;
  /** Whether the same call may work later. */
  readonly unavailable: boolean;
  /** Whether it is certain that nothing was written. */
  readonly notWritten: boolean;
}

const faults: readonly Fault[] = [
  // Never got there.
  {
    what: 'a server that refuses connections',
    error: withCode('ECONNREFUSED'),
    unavailable: true,
    notWritten: true,
  },
  { what: 'a name that is not known', error: withCode('ENOTFOUND'), unavailable: true, notWritten: true },
  {
    what: 'a name server that does not answer',
    error: withCode('EAI_AGAIN'),
    unavailable: true,
    notWritten: true,
  },
  { what: 'a host without a route', error: withCode('EHOSTUNREACH'), unavailable: true, notWritten: true },
  { what: 'a network without a route', error: withCode('ENETUNREACH'), unavailable: true, notWritten: true },
  {
    what: 'no free connection in time',
    error: new Error('timeout exceeded when trying to connect'),
    unavailable: true,
    notWritten: true,
  },
  {
    what: 'no place in a batch in time',
    error: new BatchWaitTooLong(),
    unavailable: true,
    notWritten: true,
  },
  // The rollback of a transaction whose connection died says this in place of what happened before.
  {
    what: 'a connection that died in a transaction',
    error: new Error('Client has encountered a connection error and is not queryable'),
    unavailable: true,
    notWritten: false,
  },
  {
    what: 'a connection that was closed',
    error: new Error('Client was closed and is not queryable'),
    unavailable: true,
    notWritten: false,
  },
  // Refused by the server, which then has rolled back.
  {
    what: 'a server that starts up (57P03 says so before any statement)',
    error: withCode('57P03'),
    unavailable: true,
    notWritten: false,
  },
  { what: 'a cancelled statement', error: withCode('57014'), unavailable: true, notWritten: true },
  { what: 'too many connections', error: withCode('53300'), unavailable: true, notWritten: true },
  { what: 'a full disk', error: withCode('53100'), unavailable: true, notWritten: true },
  { what: 'a standby', error: withCode('25006'), unavailable: true, notWritten: true },
  { what: 'a deadlock', error: withCode('40P01'), unavailable: true, notWritten: true },
  { what: 'a schema that is not ours yet', error: withCode('42P01'), unavailable: true, notWritten: true },
  { what: 'a value that is refused', error: withCode('22021'), unavailable: false, notWritten: true },
  { what: 'a key that is taken', error: withCode('23505'), unavailable: false, notWritten: true },
  { what: 'a wrong statement', error: withCode('42601'), unavailable: false, notWritten: true },
  // The answer was lost: it may have been committed.
  { what: 'a connection that broke', error: withCode('ECONNRESET'), unavailable: true, notWritten: false },
  { what: 'a pipe that broke', error: withCode('EPIPE'), unavailable: true, notWritten: false },
  { what: 'a connection that timed out', error: withCode('ETIMEDOUT'), unavailable: true, notWritten: false },
  { what: 'a server that is shut down', error: withCode('57P01'), unavailable: true, notWritten: false },
  { what: 'a server that crashed', error: withCode('57P02'), unavailable: true, notWritten: false },
  { what: 'a lost connection', error: withCode('08006'), unavailable: true, notWritten: false },
  { what: 'a completion that is unknown', error: withCode('40003'), unavailable: true, notWritten: false },
  {
    what: 'an answer that did not come in time',
    error: new Error('Query read timeout'),
    unavailable: true,
    notWritten: false,
  },
  {
    what: 'a connection that ended',
    error: new Error('Connection terminated unexpectedly'),
    unavailable: true,
    notWritten: false,
  },
  // Faults of ours.
  {
    what: 'a fault of ours',
    error: new TypeError('x is not a function'),
    unavailable: false,
    notWritten: false,
  },
  { what: 'something that is no error', error: 'no', unavailable: false, notWritten: false },
];

describe('a fault of the database', () => {
  test.each(faults)('$what: worth trying later: $unavailable', ({ error, unavailable }) => {
    expect(isUnavailable(error)).toBe(unavailable);
  });

  test.each(faults)('$what: certainly nothing was written: $notWritten', ({ error, notWritten }) => {
    expect(wasNotWritten(error)).toBe(notWritten);
  });
});

// The server's side of a start without a password: AuthenticationOk, ReadyForQuery (idle).
const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** What a statement meets at a server that does this with each chunk of a connection, counted from 0. */
const faultAt = async (answer: (socket: Socket, chunk: number) => void): Promise<unknown> => {
  const server = createServer((socket) => {
    let chunks = 0;
    socket.on('error', () => undefined).on('data', () => answer(socket, chunks++));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const db = openDatabase({
    url: `postgres://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/none`,
    poolMax: 1,
    timeoutMs: 2000,
    applicationName: 'test-faults',
    onIdleError: () => undefined,
  });
  try {
    return await sql`SELECT 1`.execute(db).catch((error: unknown) => error);
  } finally {
    await db.destroy();
    server.close();
    await once(server, 'close');
  }
};

describe('a connection that a proxy takes and ends, because its server is down,', () => {
  test('before the statement could be sent: certainly nothing was written', async () => {
    const error = await faultAt((socket) => void socket.end());
    expect([isUnavailable(error), wasNotWritten(error)]).toEqual([true, true]);
  });

  test('after the statement was sent: it may have been written', async () => {
    const error = await faultAt((socket, chunk) => void (chunk === 0 ? socket.write(welcome) : socket.end()));
    expect([isUnavailable(error), wasNotWritten(error)]).toEqual([true, false]);
  });
});
