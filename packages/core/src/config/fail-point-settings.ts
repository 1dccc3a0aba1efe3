import { apiFailPoints, parseFailPoint, workerFailPoints } from '../fail-point.ts';
import { custom, optional } from './setting.ts';

const form = 'name, or name:passage';

const describeFailPoint = (points: Readonly<Record<string, string>>): string => {
  const moments = Object.entries(points).map(([name, moment]) => `${name}: ${moment}`);
  return `For tests, refused in production: the process kills itself (SIGKILL) at this point. ${moments.join('. ')}.`;
};

/** Settings that only tests have a use for. */
export const apiFailPointSettings = {
  FAILPOINT: optional(
    custom({ form, describe: describeFailPoint(apiFailPoints) }, parseFailPoint(apiFailPoints)),
  ),
} as const;

export const workerFailPointSettings = {
  FAILPOINT: optional(
    custom(
      {
        form,
        describe: `${describeFailPoint(workerFailPoints)} With a passage, say :5, the messages before the fifth wait at the point, so that five are there at once.`,
      },
      parseFailPoint(workerFailPoints),
    ),
  ),
} as const;
