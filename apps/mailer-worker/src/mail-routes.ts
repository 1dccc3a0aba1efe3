import type { WorkerConfig } from '@reconfirm/core/config/config';
import { failoverConfigOf } from '@reconfirm/core/config/failover-settings';
import type { SendRate } from '@reconfirm/core/config/rate-setting';
import { providers } from '@reconfirm/core/providers/registry';
import type { Logger } from '@reconfirm/process/logger';
import { createHands } from '@reconfirm/queue/hands';
import type { Carrier } from './carrier.ts';
import { createLane, type Lane, type LaneChange } from './lane.ts';
import { createMailCarrier, type MailCarrierOptions } from './mail-carrier.ts';
import type { Route, Routes } from './routes.ts';
import { createSenderLanes } from './sender-lanes.ts';
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

export type MailParts = Omit<MailCarrierOptions, 'transport' | 'provider' | 'name' | 'installationSender'>;

/** The provider of EMAIL_PROVIDER, and behind it that of EMAIL_FAILOVER_PROVIDER. Throws as the transports do. */
export const openMailRoutes = (config: WorkerConfig, parts: MailParts, log: Logger): MailRoutes => {
  const failover = failoverConfigOf(config);
  const transports: Transport[] = [];
  const open = (own: WorkerConfig, name: string): Carrier => {
    const transport = createTransport(own, log);
    transports.push(transport);
    return createMailCarrier({
      ...parts,
      transport,
      provider: providers[own.EMAIL_PROVIDER],
      name,
      installationSender: own.MAIL_FROM.address,
    });
  };
  const close = async (): Promise<void> => {
    await Promise.allSettled(transports.map((transport) => transport.close()));
  };
  const first = open(config, config.EMAIL_PROVIDER);
  if (failover === null) return { routes: onlyRoute(first, log), close };
  const second = open(failover, nameOf(failover.EMAIL_PROVIDER, first.providerName));
  return {
    routes: [
      openRoute(first, log, unreachableMax),
      {
        ...openRoute(second, log, unreachableMax),
        pace: paceOf(config.EMAIL_FAILOVER_SEND_RATE, config.WORKER_CONCURRENCY),
      },
    ],
    close,
  };
};

/** A channel with one provider. */
export const onlyRoute = (carrier: Carrier, log: Logger): Routes => [openRoute(carrier, log)];

const openRoute = (carrier: Carrier, log: Logger, max?: number): Route => ({
  carrier,
  lane: openLane(carrier, log, max),
  senders: createSenderLanes({
    nowMs: () => performance.now(),
    chance: Math.random,
    onChange: (organizationId, change) =>
      tellChange(log, 'sender.changed', { ...wayOf(carrier), organizationId }, change),
  }),
});

const wayOf = ({ channel, providerName }: Carrier) => ({ channel, provider: providerName });

const tellChange = (log: Logger, what: string, of: object, change: LaneChange): void =>
  log[change.open ? 'info' : 'error']({ ...of, ...change }, what);

/** Rows have to tell two servers of one kind apart. */
const nameOf = (provider: string, first: string): string =>
  provider === first ? `${provider}_failover` : provider;

const paceOf = (rate: SendRate | undefined, count: number): Route['pace'] =>
  rate === undefined ? undefined : createHands({ count, spacingMs: (rate.windowSeconds * 1000) / rate.max });

const openLane = (carrier: Carrier, log: Logger, max?: number): Lane =>
  createLane({
    nowMs: () => performance.now(),
    chance: Math.random,
    unreachableMax: max,
    onChange: (change) => tellChange(log, 'provider.changed', wayOf(carrier), change),
  });
