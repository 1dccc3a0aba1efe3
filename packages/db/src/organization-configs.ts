import {
  configFor,
  type OrganizationOverrides,
  readOrganizationValues,
} from '@reconfirm/core/config/organization-settings';
import type { Database } from './database.ts';
import { organizationsChangedSince } from './organizations.ts';

/** The configuration of a process as each organization has it. */
export interface OrganizationConfigs<C extends object> {
  /** Of memory and at once. An organization that is not known has the installation's. */
  configOf(organizationId: string): C;
  /** Resolves once they were read for the first time, and tries when they were not. Rejects with the database away. */
  loaded(): Promise<void>;
  /** Reads what was changed since the last time. */
  refresh(): Promise<void>;
  /** Refreshes by itself from now on, the first time at once. */
  start(): void;
  stop(): void;
}

export interface OrganizationConfigsOptions<C extends object> {
  readonly db: Database;
  readonly config: C;
  readonly intervalMs: number;
  /** Told of an organization whose settings cannot be read any more (a newer version wrote them), and of a failed refresh. */
  readonly onProblem: (problem: { readonly organizationId?: string; readonly cause: unknown }) => void;
}

/**
 * Keeps what organizations set in memory, so that no request and no message waits for it. A change is
 * noticed by every process within one interval; while the database is away the last known holds.
 */
export const createOrganizationConfigs = <C extends object>(
  options: OrganizationConfigsOptions<C>,
): OrganizationConfigs<C> => {
  const { db, config, onProblem } = options;
  const configs = new Map<string, C>();
  let since = new Date(0);
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isLoaded = false;
  let loading: Promise<void> | undefined;

  const refresh = async (): Promise<void> => {
    const { organizations, until } = await organizationsChangedSince(db, since);
    since = until;
    for (const { id, settings } of organizations) {
      const overrides = read(id, settings);
      if (overrides === null) continue;
      if (Object.keys(overrides).length === 0) configs.delete(id);
      else configs.set(id, configFor(config, overrides));
    }
    isLoaded = true;
  };

  const read = (
    organizationId: string,
    settings: Readonly<Record<string, unknown>>,
  ): OrganizationOverrides | null => {
    const result = readOrganizationValues(settings);
    if ('overrides' in result) return result.overrides;
    onProblem({ organizationId, cause: new Error(result.problems.join('; ')) });
    return null;
  };

  const schedule = (afterMs: number): void => {
    timer = setTimeout(() => {
      void refresh()
        .catch((cause: unknown) => onProblem({ cause }))
        .finally(() => {
          if (!isStopped) schedule(options.intervalMs);
        });
    }, afterMs);
  };

  return {
    configOf: (organizationId) => configs.get(organizationId) ?? config,
    loaded: async () => {
      if (isLoaded) return;
      loading ??= refresh().finally(() => {
        loading = undefined;
      });
      await loading;
    },
    refresh,
    start: () => {
      isStopped = false;
      schedule(0);
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
};
