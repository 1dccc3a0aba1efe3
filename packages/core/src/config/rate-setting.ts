import { custom, optional, type Setting } from './setting.ts';

export interface SendRate {
  readonly max: number;
  readonly windowSeconds: number;
}

/** `count/seconds`, or empty for no limit. */
export const rateSetting = (describe: string): Setting<SendRate | undefined> =>
  optional(
    custom({ form: 'count/seconds', describe }, (value) => {
      const match = /^([1-9]\d{0,5})\/([1-9]\d{0,4})$/.exec(value);
      return match === null
        ? { problem: 'must look like 100/1 (count/seconds)' }
        : { max: Number(match[1]), windowSeconds: Number(match[2]) };
    }),
  );

/**
 * The same rate in windows of a second at most, unless one hand-over takes longer: what is most urgent then
 * waits that long at most, and not for the end of a window that others have used up. `durationMs` is whole.
 */
export const inShortWindows = ({
  max,
  windowSeconds,
}: SendRate): { readonly max: number; readonly durationMs: number } => {
  const own = Math.max(1, Math.floor(max / windowSeconds));
  return { max: own, durationMs: Math.ceil((own * windowSeconds * 1000) / max) };
};
