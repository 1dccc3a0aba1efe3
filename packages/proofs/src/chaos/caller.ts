import { setTimeout as delay } from 'node:timers/promises';
import { createHttpClient, type Answer, type HttpClient } from '../http-client.ts';
import type { Random } from './random.ts';
import type { Violations } from './violations.ts';

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

/** An answer that says something. */
export interface Heard<Body> extends Answer<Body> {
  /** An earlier try may have been carried out: it got no answer, or a 503 because the commit's answer was lost. */
  readonly mayRepeat: boolean;
}

export interface CallerStats {
  /** Questions that got an answer. */
  answered: number;
  /** Tries that got none: connection refused, reset, or 15 s of silence. */
  unanswered: number;
  /** 503: refused for now, nothing done. */
  unavailable: number;
  /** Of answers at the first try, in ms. */
  readonly tookMs: number[];
}

/** An application beside the APIs: asks one of them, and again until it has an answer. */
export interface Caller extends Disposable {
  /** Undefined when nobody answered within a minute, which is a violation (`hung`). */
  ask<Body>(question: Question, api?: number): Promise<Heard<Body> | undefined>;
  readonly apiCount: number;
  readonly stats: CallerStats;
}

const DEADLINE_MS = 60_000;

/** A caller of the APIs at these ports. */
export const createCaller = (ports: readonly number[], random: Random, violations: Violations): Caller => {
  const clients = ports.map((port) => createHttpClient(port));
  const stats: CallerStats = { answered: 0, unanswered: 0, unavailable: 0, tookMs: [] };

  const ask = async <Body>(question: Question, api?: number): Promise<Heard<Body> | undefined> => {
    const deadlineAt = performance.now() + DEADLINE_MS;
    let chosen = api ?? Math.floor(random.next() * clients.length);
    for (let tries = 0; performance.now() < deadlineAt; tries += 1) {
      const client = clients[chosen % clients.length] as HttpClient;
      const answer = await client.ask<Body>(question.method, question.path, question).catch(() => undefined);
      const isFault = answer !== undefined && answer.status >= 500 && answer.status !== 503;
      if (isFault)
        violations.add(
          'unexpected_answer',
          `${question.method} ${question.path.split('?')[0]}: ${answer.status} ${JSON.stringify(answer.body)}`,
        );
      if (answer !== undefined && answer.status < 500) {
        stats.answered += 1;
        if (tries === 0) stats.tookMs.push(answer.tookMs);
        return { ...answer, mayRepeat: tries > 0 };
      }
      if (answer === undefined) stats.unanswered += 1;
      else stats.unavailable += 1;
      // The other one may be up.
      chosen += 1;
      await delay(random.between(50, 300));
    }
    violations.add('hung', `${question.method} ${question.path.split('?')[0]}`);
    return undefined;
  };

  return {
    ask,
    apiCount: ports.length,
    stats,
    [Symbol.dispose]: () => {
      for (const client of clients) client[Symbol.dispose]();
    },
  };
};
