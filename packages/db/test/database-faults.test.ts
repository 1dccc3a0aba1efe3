import { describe, expect, test } from 'vitest';
import { BatchWaitTooLong } from '../src/batcher.ts';
import { isUnavailable, wasNotWritten } from '../src/database.ts';

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
    error: new BatchWaitTooLong(1000),
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
