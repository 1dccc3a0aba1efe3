import { type PostgresPool, type PostgresPoolClient, type RawBuilder, sql } from 'kysely';
import type pg from 'pg';
import { markNeverSent } from './never-sent.ts';

/**
 * Put first in a statement of a hot path, it makes each connection parse and plan the statement once: for
 * a batch of requests that is 120 of 420 us of Postgres, for their accounts 90 of 130 (Postgres 18.4). The
 * name must belong to one text only; pg refuses a second one.
 */
export const namePrefix = (name: string): string => `/* named ${name} */`;

/** The same for a statement that Kysely builds. */
export const named = (name: string): RawBuilder<unknown> => sql.raw(namePrefix(name));

const nameOf = (text: string): string | undefined => /^\s*\/\* named (\w+) \*\//.exec(text)?.[1];

/** pg's words for an answer that did not come within `query_timeout`. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Query read timeout';

/**
 * A pool as Kysely wants it, that sends named statements under their name, and parts with a connection
 * on which an answer did not come. pg would give it out again, with the statement still under way: where
 * the server's host is gone without a word, each of its statements would time out until TCP gives up,
 * which takes a quarter of an hour, while new connections reach the server that took its place.
 * Without sessions (`DatabasePooler`) a name would be known to one connection of the server and not to the next.
 */
export const withNamedStatements = (pool: pg.Pool, hasSessions: boolean): PostgresPool => {
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  const silent = new WeakSet<pg.PoolClient>();
  const query = async (client: pg.PoolClient, text: string, parameters: readonly unknown[]) => {
    const name = hasSessions ? nameOf(text) : undefined;
    const values = [...parameters];
    try {
      return await (name === undefined ? client.query(text, values) : client.query({ name, text, values }));
    } catch (error) {
      if (isUnanswered(error)) silent.add(client);
      throw error;
    }
  };
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect().catch((error: unknown) => {
        throw markNeverSent(error);
      });
      const known = wrapped.get(client);
      if (known !== undefined) return known;
      const made: PostgresPoolClient = {
        // Kysely's other way to call it, with a cursor, is for streaming, which this pool is not set up for.
        query: ((text: string, parameters: readonly unknown[]) =>
          query(client, text, parameters)) as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy === true || silent.has(client)),
      };
      wrapped.set(client, made);
      return made;
    },
  };
};
