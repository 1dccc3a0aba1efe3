/** A tenth: the whole ring of unit tests has to stay a matter of seconds. */
const shareOfEveryDay = 10;

/**
 * How often a property is tried that is promised with a number: `FULL_RUNS=on` so often, and every day a tenth of
 * it, drawn anew each time.
 */
export const fullRuns = (promised: number): number =>
  process.env['FULL_RUNS'] === 'on' ? promised : Math.ceil(promised / shareOfEveryDay);

/** Of a test that may be asked for all of its runs. */
export const fullRunsTimeoutMs = 600_000;
