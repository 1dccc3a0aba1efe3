import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { BatchWaitTooLong } from './batcher.ts';
import { withNamedStatements } from './named-statements.ts';
import { isMarkedNotWritten } from './not-written.ts';
import type { Schema } from './schema.ts';
import { answerMsAfter, WaitBudgetSpent } from './wait-budget.ts';

export type Database = Kysely<Schema>;

/**
 * `transaction`: a pooler gives each transaction any of its connections to the server. Then nothing of a
 * session holds: no prepared statement, and none of the server's own deadlines, which pg asks for when it
 * connects and PgBouncer refuses. Ours still ends every wait.
 */
export type DatabasePooler = 'none' | 'transaction';

export interface DatabaseOptions {
  /** postgres:// URL, may hold a password. */
  readonly url: string;
  /** What stands between us and the server; `none` unless it is said. */
  readonly pooler?: DatabasePooler;
  readonly poolMax: number;
  /** Deadline of waiting for a free connection, and of each statement; a request's budget (`WaitBudget`) ends them earlier. */
  readonly timeoutMs: number;
  /** How long a statement waits for a lock that another holds; without it as long as for its answer. */
  readonly lockTimeoutMs?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Told of connections that die (a restart, a killed backend); the pool opens new ones. */
  readonly onIdleError: (error: Error) => void;
}

/**
 * Opens a pool; no connection is made before the first statement. Every wait has a deadline: pg's own
 * default is to wait for ever for a free connection. Close with `destroy()`.
 */
export const openDatabase = (options: DatabaseOptions): Database => {
  const hasSessions = options.pooler !== 'transaction';
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax,
    connectionTimeoutMillis: options.timeoutMs,
    // The server cancels first and says why; the client's own limit catches a server that went silent.
    query_timeout: options.timeoutMs + answerMsAfter(options.timeoutMs),
    ...(options.lockTimeoutMs !== undefined && { lock_timeout: options.lockTimeoutMs }),
    ...(hasSessions && {
      statement_timeout: options.timeoutMs,
      idle_in_transaction_session_timeout: options.timeoutMs * 2,
    }),
    application_name: options.applicationName,
  });
  // Without a listener a killed backend ends the process (uncaught 57P01). The pool listens to idle
  // connections only, and says the same again; one that dies in use has no listener but this.
  pool.on('connect', (client) => client.on('error', options.onIdleError));
  pool.on('error', () => {});
  return new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: withNamedStatements(pool, hasSessions) }),
  });
};

/** SQLSTATE of an error from the server, or Node's code of a failed connection; undefined for others. */
export const databaseErrorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Serialization failure and deadlock: the same statement may simply be run again. */
export const isRetryable = (error: unknown): boolean =>
  ['40001', '40P01'].includes(databaseErrorCode(error) ?? '');

/** Somebody else kept a lock for longer than `lockTimeoutMs` (lock_not_available). */
export const isLockBusy = (error: unknown): boolean => databaseErrorCode(error) === '55P03';

/** A value of the statement itself is at fault (class 22 data, 23 integrity), not the connection or the server. */
export const isDataError = (error: unknown): boolean => /^2[23]/.test(databaseErrorCode(error) ?? '');

/**
 * Whether the server cannot be reached, did not answer in time or cannot do the work now, so that the
 * same call may work later: a socket error, SQLSTATE class 08, 53, 57 or 58, a read-only standby
 * (25006), a conflict with other transactions (class 40), a schema that is not (yet) ours (42703,
 * 42883, 42P01), or pg's own words for a time-out.
 */
export const isUnavailable = (error: unknown): boolean =>
  /^(08...|25006|40...|42703|42883|42P01|5[378]...)$|^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)/.test(
    databaseErrorCode(error) ?? '',
  ) ||
  (error instanceof Error &&
    /timeout exceeded when trying to connect|Query read timeout|Connection terminated|connection timeout|is not queryable/i.test(
      error.message,
    ));

/**
 * Whether a statement that failed certainly changed nothing: the server refused it, it never got there, or
 * its transaction never came to its COMMIT. False when the answer was lost on the way, for then it may have been committed.
 */
export const wasNotWritten = (error: unknown): boolean => {
  const code = databaseErrorCode(error) ?? '';
  // SQLSTATE has no class that begins with E, as Node's EPIPE does.
  const wasRefused = /^[0-9FHPX][0-9A-Z]{4}$/.test(code) && !/^(08|57P|40003)/.test(code);
  const wasNeverSent =
    // A proxy in front of a server that is down takes the connection and ends it: no code tells that apart.
    isMarkedNotWritten(error) ||
    /^E(CONNREFUSED|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH)$/.test(code) ||
    error instanceof BatchWaitTooLong ||
    error instanceof WaitBudgetSpent ||
    (error instanceof Error && /timeout exceeded when trying to connect/i.test(error.message));
  return wasRefused || wasNeverSent;
};
