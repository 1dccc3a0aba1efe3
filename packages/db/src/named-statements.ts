import { type PostgresPool, type PostgresPoolClient, type RawBuilder, sql } from 'kysely';
import type pg from 'pg';
import { markNotWritten } from './not-written.ts';
import { answerMs, waitBudget, WaitBudgetSpent } from './wait-budget.ts';

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

/** What a connection is in the middle of. */
interface Course {
  inTransaction: boolean;
  /** Why nothing more is said on it. */
  lost: unknown;
}

const begins = /^(begin|start transaction)\b/;
const ends = /^(commit|rollback)$/;

/**
 * A pool as Kysely wants it, that sends named statements under their name, waits no longer than the request has
 * time for (`WaitBudget`), and parts with a connection on which an answer did not come. pg would give it out
 * again, with the statement still under way: where the server's host is gone without a word, each of its
 * statements would time out until TCP gives up, which takes a quarter of an hour, while new connections reach
 * the server that took its place. A transaction that is cut short like that is certainly not written, unless it
 * was its COMMIT that was not answered.
 * Without sessions (`DatabasePooler`) a name would be known to one connection of the server and not to the next.
 */
export const withNamedStatements = (pool: pg.Pool, hasSessions: boolean): PostgresPool => {
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  const query = async (
    client: pg.PoolClient,
    course: Course,
    text: string,
    parameters: readonly unknown[],
  ) => {
    // The rollback of a transaction that was cut short: see `release`.
    if (course.lost !== undefined) throw course.lost;
    const budget = waitBudget();
    const leftMs = budget?.leftMs() ?? Number.POSITIVE_INFINITY;
    if (leftMs <= 0) {
      const spent = new WaitBudgetSpent();
      if (course.inTransaction) course.lost = spent;
      throw spent;
    }
    if (begins.test(text)) course.inTransaction = true;
    const name = hasSessions ? nameOf(text) : undefined;
    const statement = {
      text,
      values: [...parameters],
      ...(name !== undefined && { name }),
      ...(budget !== undefined && { query_timeout: Math.ceil(leftMs) }),
    };
    const ask = () => client.query(statement);
    try {
      const result = await (budget === undefined ? ask() : budget.spend(ask));
      if (ends.test(text)) course.inTransaction = false;
      return result;
    } catch (error) {
      if (isUnanswered(error))
        course.lost = course.inTransaction && text !== 'commit' ? markNotWritten(error) : error;
      throw error;
    }
  };

  /** Gives back the one that comes when the request has no time left for it. */
  const take = async (): Promise<pg.PoolClient> => {
    const budget = waitBudget();
    if (budget === undefined) return pool.connect();
    if (budget.leftMs() <= 0) throw new WaitBudgetSpent();
    return budget.within(pool.connect(), {
      forMs: budget.leftToBeginMs(),
      tooLate: (client) => client.release(),
    });
  };

  const release = (client: pg.PoolClient, course: Course, destroy: boolean): void => {
    course.inTransaction = false;
    if (!(course.lost instanceof WaitBudgetSpent))
      return client.release(destroy || course.lost !== undefined);
    // Sound, and in the middle of a transaction for which nobody has time: it ends at nobody's expense. Kysely,
    // whose rollback was refused, would part with it.
    wrapped.delete(client);
    const rollback = { text: 'rollback', query_timeout: answerMs };
    client.query(rollback).then(
      () => client.release(),
      () => client.release(true),
    );
  };

  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await take().catch((error: unknown) => {
        throw markNotWritten(error);
      });
      const known = wrapped.get(client);
      if (known !== undefined) return known;
      const course: Course = { inTransaction: false, lost: undefined };
      const made: PostgresPoolClient = {
        // Kysely's other way to call it, with a cursor, is for streaming, which this pool is not set up for.
        query: ((text: string, parameters: readonly unknown[]) =>
          query(client, course, text, parameters)) as unknown as PostgresPoolClient['query'],
        release: (destroy) => release(client, course, destroy === true),
      };
      wrapped.set(client, made);
      return made;
    },
  };
};
