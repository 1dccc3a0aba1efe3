import { findRedisServer } from '@reconfirm/local-stack';
import type { ChaosOptions } from '../../src/chaos/run-chaos.ts';

/** A private Redis is killed and emptied there, so one of a container is not enough. */
export const redisBinary = await findRedisServer(process.env);

/** The run of T5 in the size of a CI; `pnpm soak` is the same for hours. */
export const chaosOptions = (
  seed: number,
  part: Partial<ChaosOptions> & Pick<ChaosOptions, 'requests'>,
): ChaosOptions => ({
  seed,
  perSecond: 20,
  faultEveryMs: 1100,
  deployEveryMs: 25_000,
  mailFaultShare: 0.12,
  drainMs: 90_000,
  redisBinary: redisBinary ?? '',
  ...part,
});
