import { setTimeout as delay } from 'node:timers/promises';
import type { HttpClient } from './http-client.ts';

/** One event of one message, as the database calls it. */
export interface SentEvent {
  readonly messageId: string;
  readonly type: 'accepted' | 'deferred' | 'delivered' | 'bounced' | 'complained';
}

/** A signed request of a provider's and the events in it. */
export interface SentWebhook {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
  readonly events: readonly SentEvent[];
}

/** A provider that sends its webhooks, several at once, and each again until it is answered with 200. */
export interface WebhookSender {
  /** Resolves when every webhook has been answered with 200. */
  readonly done: Promise<void>;
  /** Events of webhooks that have been answered with 200. */
  taken(): readonly SentEvent[];
  /** Resolves in the very turn in which so many events are taken: before another answer is read. */
  untilTaken(count: number): Promise<void>;
  /** How often each status was answered. */
  statuses(): ReadonlyMap<number, number>;
  /** Resolves when every request under way is answered; until `goOn` none is sent. */
  pause(): Promise<void>;
  goOn(): void;
}

/** Providers wait for minutes; the order of the tries is the same. */
const firstRetryMs = 50;
const lastRetryMs = 500;
/** Between two webhooks of one connection: a burst that a fast machine has not taken before it can be disturbed. */
const spacingMs = 20;

export const startWebhookSender = (
  http: HttpClient,
  webhooks: readonly SentWebhook[],
  atOnce: number,
): WebhookSender => {
  const taken: SentEvent[] = [];
  const statuses = new Map<number, number>();
  const underWay = new Set<Promise<unknown>>();
  let gate: PromiseWithResolvers<void> | undefined;
  const awaited: { readonly count: number; readonly reached: () => void }[] = [];

  const post = async ({ path, headers, json, events }: SentWebhook): Promise<boolean> => {
    const { status } = await http.ask('POST', path, { headers, json });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status !== 200) return false;
    taken.push(...events);
    for (const { count, reached } of awaited) if (taken.length >= count) reached();
    return true;
  };
  const send = async (webhook: SentWebhook): Promise<void> => {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(2 * waitMs, lastRetryMs)) {
      await gate?.promise;
      const posted = post(webhook);
      underWay.add(posted);
      try {
        if (await posted) return;
      } finally {
        underWay.delete(posted);
      }
      await delay(waitMs);
    }
  };
  const queue = webhooks.values();
  const sendOneByOne = async (): Promise<void> => {
    for (const webhook of queue) {
      await send(webhook);
      await delay(spacingMs);
    }
  };
  return {
    done: Promise.all(Array.from({ length: atOnce }, sendOneByOne)).then(() => undefined),
    taken: () => taken,
    untilTaken: (count) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (taken.length >= count) resolve();
      else awaited.push({ count, reached: resolve });
      return promise;
    },
    statuses: () => statuses,
    pause: async () => {
      gate ??= Promise.withResolvers<void>();
      await Promise.allSettled(underWay);
    },
    goOn: () => {
      gate?.resolve();
      gate = undefined;
    },
  };
};
