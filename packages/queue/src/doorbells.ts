import type { Channel } from '@reconfirm/core/destination';
import { createDoorbell, type Doorbell, type DoorbellOptions, type Ring } from './doorbell.ts';

/**
 * One doorbell for all channels: each ring goes to the queue of its channel. A queue is opened with its first
 * ring, so that an installation without SMS holds nothing for it. Working means that every opened one works.
 */
export const createDoorbells = (options: Omit<DoorbellOptions, 'channel'>): Doorbell => {
  const bells = new Map<Channel, Doorbell>();
  let wasWorking = true;

  const isWorking = (): boolean => [...bells.values()].every((bell) => bell.isWorking());

  const bellOf = (channel: Channel = 'email'): Doorbell => {
    const known = bells.get(channel);
    if (known !== undefined) return known;
    const bell = createDoorbell({
      ...options,
      channel,
      onChange: ({ cause }) => {
        const working = isWorking();
        if (working === wasWorking) return;
        wasWorking = working;
        options.onChange(cause === undefined ? { working } : { working, cause });
      },
    });
    bells.set(channel, bell);
    return bell;
  };

  return {
    ring: (ring) => bellOf(ring.channel).ring(ring),
    ringAll: async (rings) => {
      const byChannel = Map.groupBy(rings, (ring: Ring) => ring.channel ?? 'email');
      const rang = await Promise.all([...byChannel].map(([channel, own]) => bellOf(channel).ringAll(own)));
      return rang.every(Boolean);
    },
    isWorking,
    close: async () => {
      await Promise.all([...bells.values()].map((bell) => bell.close()));
    },
  };
};
