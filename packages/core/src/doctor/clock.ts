import { type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';

/** One other clock. `offsetMs` is theirs less ours; the truth lies within `errorMs` of it. */
export interface ClockReading {
  /** As in "the clock of …". */
  readonly of: string;
  readonly offsetMs: number;
  readonly errorMs: number;
}

/** Clocks kept by NTP differ by milliseconds; above this one of them is not. */
const warnAboveMs = 5000;

/** Examines this machine's clock by others: of webhooks only fresh ones are taken, and times of the log must agree. */
export const checkClock = (sender: Sender, readings: readonly ClockReading[]): readonly Finding[] => {
  const why = `A webhook whose signed time is ${sender.webhookSkewSecondsMax} s away from this clock is refused, so deliveries and bounces are lost; times in logs and rows disagree.`;
  if (readings.length === 0)
    return [
      found('clock', 'unknown', {
        what: 'There was no other clock to compare with',
        why,
        doThis: 'Check that this machine keeps time by NTP (for instance: timedatectl).',
      }),
    ];
  const wrong = readings.filter((reading) => leastMs(reading) >= warnAboveMs);
  if (wrong.length === 0)
    return [
      ok('clock', `This clock agrees with that of ${readings.map((reading) => reading.of).join(' and ')}`),
    ];
  return wrong.map((reading) =>
    found('clock', leastMs(reading) >= sender.webhookSkewSecondsMax * 1000 ? 'error' : 'warning', {
      what: `The clock of ${reading.of} is ${Math.round(Math.abs(reading.offsetMs) / 1000)} s ${reading.offsetMs > 0 ? 'ahead of' : 'behind'} this machine`,
      why,
      doThis: 'Let both keep time by NTP (for instance: timedatectl set-ntp true).',
    }),
  );
};

/** What the two clocks differ by at least. */
const leastMs = ({ offsetMs, errorMs }: ClockReading): number => Math.abs(offsetMs) - errorMs;
