import type { WorkerConfig } from '@reconfirm/core/config/config';
import { failoverConfigOf } from '@reconfirm/core/config/failover-settings';
import type { SendRate } from '@reconfirm/core/config/rate-setting';
import { providers } from '@reconfirm/core/providers/registry';
import type { Logger } from '@reconfirm/process/logger';
import { createHands } from '@reconfirm/queue/hands';
import type { Carrier } from './carrier.ts';
import { createLane, type Lane } from './lane.ts';
import { createMailCarrier, type MailCarrierOptions } from './mail-carrier.ts';
import type { Route, Routes } from './routes.ts';
import { createTransport } from './transports/create-transport.ts';
import type { Transport } from './transports/transport.ts';

/** The ways that mail can take. */
export interface MailRoutes {
  readonly routes: Routes;
  /** Lets hand-overs in progress finish, within a deadline, and closes every connection. */
  close(): Promise<void>;
}

/** With another provider at hand three messages in a row are enough to leave the first alone for a while. */
const unreachableMax = 3;

export type MailParts = Omit<MailCarrierOptions, 'transport' | 'provider' | 'name'>;

/** The provider of EMAIL_PROVIDER, and behind it that of EMAIL_FAILOVER_PROVIDER. Throws as the transports do. */
export const openMailRoutes = (config: WorkerConfig, parts: MailParts, log: Logger): MailRoutes => {
  const failover = failoverConfigOf(config);
  const transports: Transport[] = [];
  const open = (own: WorkerConfig, name: string): Carrier => {
    const transport = createTransport(own, log);
    transports.push(transport);
    return createMailCarrier({ ...parts, transport, provider: providers[own.EMAIL_PROVIDER], name });
  };
  const close = async (): Promise<void> => {
    await Promise.allSettled(transports.map((transport) => transport.close()));
  };
  const first = open(config, config.EMAIL_PROVIDER);
  if (failover === null) return { routes: [{ carrier: first, lane: openLane(first, log) }], close };
  const second = open(failover, nameOf(failover.EMAIL_PROVIDER, first.providerName));
  return {
    routes: [
      { carrier: first, lane: openLane(first, log, unreachableMax) },
      {
        carrier: second,
        lane: openLane(second, log, unreachableMax),
        pace: paceOf(config.EMAIL_FAILOVER_SEND_RATE, config.WORKER_CONCURRENCY),
      },
    ],
    close,
  };
};

/** A channel with one provider. */
export const onlyRoute = (carrier: Carrier, log: Logger): Routes => [
  { carrier, lane: openLane(carrier, log) },
];

/** Rows have to tell two servers of one kind apart. */
const nameOf = (provider: string, first: string): string =>
  provider === first ? `${provider}_failover` : provider;

const paceOf = (rate: SendRate | undefined, count: number): Route['pace'] =>
  rate === undefined ? undefined : createHands({ count, spacingMs: (rate.windowSeconds * 1000) / rate.max });

const openLane = ({ channel, providerName }: Carrier, log: Logger, max?: number): Lane =>
  createLane({
    nowMs: () => performance.now(),
    chance: Math.random,
    unreachableMax: max,
    onChange: (change) =>
      log[change.open ? 'info' : 'error']({ channel, provider: providerName, ...change }, 'provider.changed'),
  });
