import { settingsInUse } from '@reconfirm/core/config/settings-fingerprint';

export interface SettingsWatchOptions {
  readonly intervalMs: number;
  /** Names of the processes that are connected to the database. */
  readonly listProcessNames: () => Promise<readonly string[]>;
  /** Told how many different settings are in use, each time. */
  readonly seen: (count: number) => void;
  /** Told when they begin or cease to differ. */
  readonly onChange: (differ: boolean) => void;
}

/** Looks now and then whether all processes have the same settings. What cannot be read changes nothing. */
export const watchSettings = (options: SettingsWatchOptions): { stop(): void } => {
  let isStopped = false;
  let didDiffer = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const count = settingsInUse(await options.listProcessNames());
    options.seen(count);
    if (count > 1 !== didDiffer) options.onChange(count > 1);
    didDiffer = count > 1;
  };
  const schedule = (): void => {
    timer = setTimeout(() => {
      void look()
        .catch(() => {})
        .finally(() => {
          if (!isStopped) schedule();
        });
    }, options.intervalMs);
  };

  schedule();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
};
