import type { RedisConnection } from './redis.ts';
import pg from 'pg';

/** Where jobs wait. `redis`: a connection of ours. `postgres`: BullMQ's own pool on the same database. */
export type QueueBackend =
  | { readonly kind: 'redis'; readonly redis: RedisConnection; readonly prefix: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string; readonly poolMax: number };

/** All keys of a queue must share a slot of a Redis Cluster: the braces see to that. */
export const queuePrefix = (prefix: string): string => `{${prefix}}`;

/** The queue on the database itself: no Redis is needed. */
export const postgresBackend = (
  url: string,
  prefix: string,
): Extract<QueueBackend, { kind: 'postgres' }> => ({
  kind: 'postgres',
  url,
  schema: queueSchema(prefix),
  poolMax: 4,
});

/** A schema name made from the installation's prefix; the queue's tables live apart from ours. */
const queueSchema = (prefix: string): string => `${prefix.replaceAll('-', '_')}_queue`;

/**
 * The pool listens to its idle connections only, and BullMQ to the pool: the end of a connection at work
 * would be an uncaught exception. Its query fails all the same, which is told.
 */
class ListenedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}

export const postgresConnection = (
  backend: Extract<QueueBackend, { kind: 'postgres' }>,
): {
  connectionString: string;
  schema: string;
  max: number;
  migrate: true;
  connectionTimeoutMillis: number;
  Client: typeof pg.Client;
} => ({
  connectionString: backend.url,
  schema: backend.schema,
  max: backend.poolMax,
  migrate: true,
  connectionTimeoutMillis: 2000,
  Client: ListenedClient,
});
