import { setTimeout as delay } from 'node:timers/promises';
import type { AskableProvider } from '@reconfirm/core/config/lookup-settings';
import { type LookupOutcome, lookupRestSeconds } from '@reconfirm/core/lookup';
import { messageIdHeader } from '@reconfirm/core/message-id';
import type { Database } from '@reconfirm/db/database';
import { storeDeliveryEvents } from '@reconfirm/db/delivery-events';
import { type ClaimedLookup, claimLookup, finishLookup, giveBackLookup } from '@reconfirm/db/lookups';
import type { Logger } from '@reconfirm/process/logger';
import type { Asked, AskProvider } from './ask-provider.ts';
import type { LookupMetrics } from './lookup-metrics.ts';

/** How long nobody looks again when there was nothing to ask. Below the twenty seconds in which a doubt is asked about. */
const idleMs = 8000;
/** When a provider is too busy for us and does not say for how long. */
const throttledSeconds = 60;

export interface LookupLoopOptions {
  readonly db: Database;
  readonly provider: AskableProvider;
  readonly askProvider: AskProvider;
  readonly afterSeconds: number;
  /** Domain of the Message-IDs of an organization. */
  readonly messageIdDomainOf: (organizationId: string) => string;
  /** Waited for before each question: what organizations want otherwise is known. */
  readonly ready: () => Promise<void>;
  /** How long a hard bounce suppresses its address (`hardBounceDays`). */
  readonly suppressDays: readonly number[];
  readonly log: Logger;
  readonly metrics: LookupMetrics;
}

export interface LookupLoop {
  /** What an operator should know, as a sentence; null while all is well. */
  warning(): string | null;
  /** Takes back the question under way, and asks no more. */
  stop(): Promise<void>;
}

/** A failure that is the provider's or ours, and no message's. */
type Failure = Exclude<Asked['kind'], 'answered' | 'unclear' | 'stopped'>;

/**
 * Asks one provider what became of messages that it has reported nothing of, one after the other: claim →
 * ask → store as a webhook's report is → note. Runs in every worker, by Postgres alone. A provider that
 * refuses us or does not answer rests, longer each time, and the message at hand is asked about again.
 */
export const startLookupLoop = (options: LookupLoopOptions): LookupLoop => {
  const { db, provider, log, metrics } = options;
  const { name, lookUp } = provider;
  const stopping = new AbortController();
  let failures = 0;
  let problem: Failure | null = null;

  const turn = async (): Promise<number> => {
    // Rejects while Postgres is away, as everything here does: then it is tried again.
    await options.ready();
    const claimed = await claimLookup(db, { provider: name, afterSeconds: options.afterSeconds });
    if (claimed === null) return idleMs * (0.8 + 0.4 * Math.random());
    const step = lookUp.ask(askedMessage(claimed), provider.settings);
    if (step === null) return note(claimed, 'unaskable', 0);
    const asked = await options.askProvider.ask(step, stopping.signal);
    switch (asked.kind) {
      case 'answered':
        worked();
        return note(claimed, await store(asked), lookUp.spacingMs);
      case 'unclear':
        worked();
        return note(claimed, 'unclear', lookUp.spacingMs);
      case 'stopped':
        await giveBackLookup(db, claimed, 0);
        return 0;
      case 'throttled':
        return rest(claimed, asked.kind, asked.retryAfterSeconds ?? throttledSeconds);
      case 'refused':
      case 'unavailable':
        return rest(claimed, asked.kind, lookupRestSeconds(failures));
    }
  };

  const askedMessage = (claimed: ClaimedLookup) => ({
    messageId: claimed.messageId,
    messageIdHeader: messageIdHeader(claimed.messageId, options.messageIdDomainOf(claimed.organizationId)),
    providerMessageId: claimed.providerMessageId ?? undefined,
    now: claimed.askedAt,
  });

  const store = async ({ reports }: Extract<Asked, { kind: 'answered' }>): Promise<LookupOutcome> => {
    const outcomes = await storeDeliveryEvents(
      db,
      reports.map((report) => ({ provider: name, ...report })),
      options.suppressDays,
    );
    return outcomes.includes('applied') ? 'found' : 'nothing_new';
  };

  const note = async (claimed: ClaimedLookup, outcome: LookupOutcome, waitMs: number): Promise<number> => {
    await finishLookup(db, claimed, outcome);
    metrics.lookedUp(name, outcome);
    log.info({ messageId: claimed.messageId, provider: name, outcome }, 'lookup.asked');
    return waitMs;
  };

  const worked = (): void => {
    if (problem !== null) log.info({ provider: name, working: true }, 'lookup.changed');
    metrics.lookupWorking(name, true);
    failures = 0;
    problem = null;
  };

  const rest = async (claimed: ClaimedLookup, kind: Failure, restSeconds: number): Promise<number> => {
    metrics.lookedUp(name, kind);
    if (kind !== 'throttled') {
      metrics.lookupWorking(name, false);
      if (problem !== kind)
        log.warn({ provider: name, working: false, problem: kind, restSeconds }, 'lookup.changed');
      problem = kind;
      failures += 1;
    }
    await giveBackLookup(db, claimed, restSeconds);
    return restSeconds * 1000;
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const waitMs = await turn().catch((error: unknown) => {
        log.warn({ err: error, provider: name }, 'lookup.not_done');
        return idleMs;
      });
      await delay(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };
  metrics.lookupWorking(name, true);
  const running = run();

  return {
    warning: () =>
      problem === null ? null : `${name} ${sentences[problem]}; messages without a report stay SENT`,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

const sentences = {
  refused: 'refuses to tell what became of messages (key, account or domain)',
  unavailable: 'does not answer when asked what became of messages',
  throttled: 'is asked too often what became of messages',
} as const satisfies Record<Failure, string>;
