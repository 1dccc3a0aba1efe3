import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import type { Answer } from './http-client.ts';

/** A caller behind a load balancer during a deploy: tries the next process when one is gone or going. */
export interface RetryingClient {
  /** Asks again, with the same Idempotency-Key, until somebody has decided. Rejects after 20 s. */
  resend(email: string): Promise<Answer>;
  /** How often it had to ask again: no connection, a connection that ended, or a 503. */
  readonly retries: () => number;
}

const GIVE_UP_MS = 20_000;
const PAUSE_MS = 50;

/** `current` is asked at every try, so that it may change. */
export const createRetryingClient = (current: () => readonly ApiClient[]): RetryingClient => {
  let turn = 0;
  let retries = 0;
  const resend = async (email: string): Promise<Answer> => {
    const endMs = performance.now() + GIVE_UP_MS;
    for (;;) {
      const clients = current();
      const client = clients[turn++ % clients.length];
      const answer = await client
        ?.ask('POST', '/v1/resend-verification', {
          json: { email },
          headers: { 'idempotency-key': `resend-${email}` },
        })
        .catch(() => undefined);
      if (answer !== undefined && answer.status !== 503) return answer;
      if (performance.now() > endMs) throw new Error(`Nobody decided about ${email} in ${GIVE_UP_MS} ms`);
      retries += 1;
      await delay(PAUSE_MS);
    }
  };
  return { resend, retries: () => retries };
};
