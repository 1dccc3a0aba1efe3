import { hardBounceDaysDefault, hardBounceDaysMax } from '../suppression.ts';
import { integer } from './setting.ts';

/** Both processes suppress addresses: the API by reports, the worker by refused hand-overs. */
export const suppressionSettings = {
  SUPPRESS_HARD_BOUNCE_DAYS: integer({
    min: 0,
    max: hardBounceDaysMax,
    fallback: String(hardBounceDaysDefault),
    describe:
      'How long nothing is sent to an address after a hard bounce, or to a number after STOP; twice as long each time it happens again, at most a year. 0: never for these. A complaint lasts until it is lifted, whatever this says (docs/suppression.md).',
  }),
} as const;
