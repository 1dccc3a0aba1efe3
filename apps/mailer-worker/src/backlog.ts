import type { SendRate } from '@reconfirm/core/config/rate-setting';
import type { Priority } from '@reconfirm/core/purposes/purpose';
import type { DueMessage } from '@reconfirm/db/due-messages';
import { createHands } from '@reconfirm/queue/hands';

/** Deliveries of this process past the queue, the most urgent first. */
export interface Backlog {
  /** Takes messages in; what waits or is in hand already stays where it is. */
  offer(messages: readonly Pick<DueMessage, 'id' | 'priority'>[]): void;
  /** Resolves when there is room for more: what still waits is less than what is worked on at once. */
  room(): Promise<void>;
  /** Leaves undone what waits, and resolves when what is in hand is done. */
  stop(): Promise<void>;
}

export interface BacklogOptions {
  /** Never rejects. */
  readonly deliver: (messageId: string, priority: Priority) => Promise<void>;
  /** Messages in hand, those of the queue too: they share the hands. */
  readonly inHand: () => number;
  readonly concurrency: number;
  /** The queue keeps the rate otherwise; past it each worker keeps it by itself. */
  readonly rate: SendRate | undefined;
  readonly onDelivered: () => void;
}

export const createBacklog = ({
  deliver,
  inHand,
  concurrency,
  rate,
  onDelivered,
}: BacklogOptions): Backlog => {
  const known = new Map<string, Promise<void>>();
  let own = 0;
  const hands = createHands({
    count: concurrency,
    spacingMs: rate === undefined ? 0 : (rate.windowSeconds * 1000) / rate.max,
    busyElsewhere: () => Math.max(0, inHand() - own),
  });
  let roomWanted: (() => void)[] = [];
  const hasRoom = (): boolean => hands.waiting() < concurrency;

  const work = async (messageId: string, priority: Priority): Promise<void> => {
    own += 1;
    try {
      await deliver(messageId, priority);
      onDelivered();
    } finally {
      own -= 1;
    }
  };

  const leave = (messageId: string): void => {
    known.delete(messageId);
    if (!hasRoom()) return;
    for (const tell of roomWanted) tell();
    roomWanted = [];
  };

  return {
    offer: (messages) => {
      for (const { id, priority } of messages) {
        if (known.has(id)) continue;
        known.set(
          id,
          hands.take(() => work(id, priority), priority).finally(() => leave(id)),
        );
      }
    },
    room: () => (hasRoom() ? Promise.resolve() : new Promise((resolve) => roomWanted.push(resolve))),
    stop: async () => {
      hands.fold();
      await Promise.all(known.values());
    },
  };
};
